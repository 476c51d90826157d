/** Reads the next part of a log for a webhook: a gap, or a page of changes with the decision which of them it sends. */
import type { Change } from "@/src/core/records/ports";
import { toRecordText } from "@/src/core/records/record-text";
import { positionOf } from "@/src/core/streams/change-proof";
import type { ChangeLog } from "@/src/core/streams/ports";
import type { ActiveWebhook, LogMark, UnreadLog } from "@/src/core/webhooks/ports";
import type { AppError } from "@/src/shared/errors";
import type { GapReason } from "@/src/shared/streams/stream-messages";
import type { RecordFilter } from "../filters/record-filter";
import { toNextPageLimit } from "../log/page-size";

/** A change, and whether the webhook sends it. */
export interface JudgedChange {
  change: Change;
  isSent: boolean;
}

export type UnreadPart =
  | { kind: "nothing" }
  | { kind: "gap"; from: LogMark; to: LogMark; reason: GapReason }
  | {
      kind: "changes";
      epoch: string;
      from: LogMark | undefined;
      /** Without a hole, from the position on. */
      changes: JudgedChange[];
      /** Why the filter could not judge the change after them. */
      failed: AppError | undefined;
      /** The limit for the next page. */
      nextLimit: number;
    };

/** `limit`: of changes. `filter`: undefined if the webhook has none. Throws the errors of the log, and the signal's reason. */
export async function readUnread({
  log,
  changes: source,
  webhook,
  filter,
  limit,
  signal,
}: {
  log: UnreadLog;
  changes: Pick<ChangeLog, "positions" | "read">;
  webhook: Pick<ActiveWebhook, "operations">;
  filter: Pick<RecordFilter, "judge"> | undefined;
  limit: number;
  signal: AbortSignal;
}): Promise<UnreadPart> {
  const { endpointId, position } = log;
  const places = position === undefined ? [] : [{ endpointId, seq: position.seq }];
  const found = (await source.positions([endpointId], places)).get(endpointId);
  if (!found) return { kind: "nothing" };
  const tip: LogMark = { epoch: found.epoch, seq: found.seq, proof: found.proof };
  const from = position ?? { epoch: tip.epoch, seq: 0, proof: undefined };
  if (from.epoch !== tip.epoch) return { kind: "gap", from, to: tip, reason: "epoch_changed" };
  const proof = found.proofs.get(from.seq);
  const isDisproved = from.proof !== undefined && proof !== undefined && from.proof !== proof;
  if (from.seq > tip.seq || isDisproved) return { kind: "gap", from, to: tip, reason: "log_rewound" };
  if (from.seq === tip.seq) return { kind: "nothing" };
  const page = await source.read(endpointId, from.seq, limit);
  const [first] = page;
  if (first === undefined) return { kind: "gap", from, to: tip, reason: "expired" };
  if (first.seq > from.seq + 1)
    return { kind: "gap", from, to: { epoch: tip.epoch, seq: first.seq - 1, proof: undefined }, reason: "expired" };
  const { sent, judged, failed } = await judge(page, webhook, filter, signal);
  const changes = page.slice(0, judged).map((change) => ({ change, isSent: sent.has(change) }));
  return { kind: "changes", epoch: tip.epoch, from: position, changes, failed, nextLimit: toNextPageLimit(page, limit) };
}

/** `judged`: how many changes from the first on have a verdict. */
async function judge(
  page: readonly Change[],
  { operations }: Pick<ActiveWebhook, "operations">,
  filter: Pick<RecordFilter, "judge"> | undefined,
  signal: AbortSignal,
): Promise<{ sent: Set<Change>; judged: number; failed: AppError | undefined }> {
  const wanted = page.filter(({ type }) => operations.includes(type));
  if (!filter || wanted.length === 0) return { sent: new Set(wanted), judged: page.length, failed: undefined };
  const { verdicts, failed } = await filter.judge(
    wanted.map(({ record }) => toRecordText(record)),
    signal,
  );
  const unjudged = wanted[verdicts.length];
  const judged = failed && unjudged ? page.indexOf(unjudged) : page.length;
  return { sent: new Set(wanted.filter((_, index) => verdicts[index])), judged, failed };
}

/** The place after a change. */
export function toMark(change: Change, epoch: string): LogMark {
  const { seq, proof } = positionOf(change, epoch);
  return { epoch, seq, proof };
}
