/** Decides for an open stream whether it receives a change, and if not, why (G17). */
import type { DeliveryVerdict } from "@/src/shared/management/schemas";
import type { RuleVerdict } from "./judge-streams";

export interface JudgedChange {
  seq: number;
  /** The user that owns the record. Undefined: it has no owner. */
  owner: { id: string; name: string | undefined } | undefined;
}

export interface JudgedStream {
  /** The log's seq when the stream was opened. */
  openedSeq: number;
  isResumable: boolean;
  /** The stream receives only this user's records. Undefined: everybody's. */
  onlyOwner: string | undefined;
  /** The verdict of its access rules. Undefined: it has none. */
  rules: RuleVerdict | undefined;
  /** Whether the stream's filter matches the record. Undefined: it has no filter. */
  filter: boolean | "unknown" | undefined;
  /** The seq up to which the log has been replayed to the stream. Undefined: the stream is live. */
  replayedTo: number | undefined;
}

interface Judged {
  verdict: DeliveryVerdict;
  reason: string;
}

/** Judges the stream as it is now. Streams that have closed are not judged. */
export function judgeDelivery(change: JudgedChange, stream: JudgedStream): Judged {
  const { onlyOwner, rules, filter } = stream;
  if (onlyOwner !== undefined && onlyOwner !== change.owner?.id) return { verdict: "refused", reason: toRefusal(change) };
  if (rules !== undefined && rules !== "unknown" && rules.refused !== null) return { verdict: "refused", reason: rules.refused };
  if (filter === false) return { verdict: "filtered", reason: "Its filter does not match the record." };
  const byTime = judgeByTime(change, stream);
  const { verdict } = byTime;
  const reason = rules === "unknown" ? `${byTime.reason} Its access rules could not be evaluated.` : byTime.reason;
  if (filter === undefined) return { verdict, reason };
  const held = filter === true ? "Its filter matches the record." : "Its filter could not be evaluated.";
  return { verdict, reason: `${reason} ${held}` };
}

function judgeByTime(change: JudgedChange, stream: JudgedStream): Judged {
  if (stream.replayedTo !== undefined && stream.replayedTo < change.seq)
    return { verdict: "waiting", reason: "It is replaying earlier changes, and has not reached this one." };
  if (stream.openedSeq < change.seq) return { verdict: "sent", reason: "It was open." };
  return stream.isResumable
    ? { verdict: "later", reason: "It was opened later, and received this change if it requested a replay from before it." }
    : { verdict: "later", reason: "It was opened later, and did not request a replay." };
}

function toRefusal({ owner }: JudgedChange): string {
  const whose = owner ? `belongs to ${owner.name ?? "another user"}` : "has no owner";
  return `The record ${whose}, and this stream receives only its own user's records.`;
}
