/** Records the writes of one run and their outcomes. */
import type { ChangeType } from "@/src/shared/streams/protocol";

/** One write, as the log would have it. A POST repeated with its Idempotency-Key is one write; each repetition of a PUT is another. */
export interface Attempt {
  /** Part of the data that is written; a DELETE has no data. */
  id: string;
  type: ChangeType;
  endpointId: string;
  /** For a POST: known after the response. */
  recordId: string | undefined;
  /** The data as JSON. */
  data: string;
  /** Milliseconds, `performance.now()`. */
  sentAt: number;
  /** The node that responded with 2xx. Undefined: none did, and the write may or may not have been done. */
  acknowledgedBy: number | undefined;
}

export interface Ledger {
  add(attempt: Omit<Attempt, "acknowledgedBy">): Attempt;
  find(id: string): Attempt | undefined;
  attempts(): Attempt[];
  acknowledge(attempt: Attempt, node: number): void;
  acknowledgedCount(): number;
  /** Whether the node has acknowledged a write that was sent at `sentAt` or later. */
  hasAcknowledgedSince(node: number, since: number): boolean;
  /** Attempts that failed or whose outcome is unknown. */
  failures: number;
  /** Responses that no client should receive, such as 404 for a stored record. */
  refusals: string[];
}

export function createLedger(): Ledger {
  const attempts = new Map<string, Attempt>();
  const lastSentAt = new Map<number, number>();
  let acknowledged = 0;
  return {
    add: (sent) => {
      const attempt: Attempt = { ...sent, acknowledgedBy: undefined };
      attempts.set(attempt.id, attempt);
      return attempt;
    },
    find: (id) => attempts.get(id),
    attempts: () => [...attempts.values()],
    acknowledge: (attempt, node) => {
      if (attempt.acknowledgedBy === undefined) acknowledged++;
      attempt.acknowledgedBy = node;
      lastSentAt.set(node, Math.max(lastSentAt.get(node) ?? 0, attempt.sentAt));
    },
    acknowledgedCount: () => acknowledged,
    hasAcknowledgedSince: (node, since) => (lastSentAt.get(node) ?? 0) >= since,
    failures: 0,
    refusals: [],
  };
}
