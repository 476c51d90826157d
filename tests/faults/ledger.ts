/** What the writers of one run sent, and what was answered. It must not judge. */
import type { ChangeType } from "@/src/shared/streams/protocol";

/** One write as the log would have it. A POST that is repeated with its Idempotency-Key is one; a PUT that is repeated is another each time. */
export interface Attempt {
  /** In the data that is written; a DELETE carries none. */
  id: string;
  type: ChangeType;
  endpointId: string;
  /** Of a POST: known when it was answered. */
  recordId: string | undefined;
  /** Data as JSON. */
  data: string;
  /** Milliseconds, `performance.now()`. */
  sentAt: number;
  /** The node that answered 2xx; undefined: nobody did, and it may or may not have happened. */
  acknowledgedBy: number | undefined;
}

export interface Ledger {
  add(attempt: Omit<Attempt, "acknowledgedBy">): Attempt;
  find(id: string): Attempt | undefined;
  attempts(): Attempt[];
  acknowledge(attempt: Attempt, node: number): void;
  acknowledgedCount(): number;
  /** Whether the node has acknowledged a write that was sent at that time or later. */
  hasAcknowledgedSince(node: number, since: number): boolean;
  /** Attempts that failed, or of which nobody knows. */
  failures: number;
  /** Answers that no client should ever get, such as 404 for a record that was stored. */
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
