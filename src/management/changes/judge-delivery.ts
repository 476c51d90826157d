/** Says who of those who listen gets a change, and why not (G17). Pure. */
import type { DeliveryVerdict } from "@/src/shared/management/schemas";

export interface JudgedChange {
  seq: number;
  /** The user that the record belongs to; undefined: nobody. */
  owner: { id: string; name: string | undefined } | undefined;
}

export interface JudgedStream {
  /** Where the log stood when it was opened. */
  openedSeq: number;
  isResumable: boolean;
  /** Hears of this user's records alone; undefined: of everybody's. */
  onlyOwner: string | undefined;
  /** Whether its filter is true of the record; undefined: it has none. */
  filter: boolean | "unknown" | undefined;
  /** Up to which seq it has been sent the log; undefined: it is live. */
  replayedTo: number | undefined;
}

interface Judged {
  verdict: DeliveryVerdict;
  reason: string;
}

/** As the stream is now: it tells nothing of streams that have gone. */
export function judgeDelivery(change: JudgedChange, stream: JudgedStream): Judged {
  const { onlyOwner, filter } = stream;
  if (onlyOwner !== undefined && onlyOwner !== change.owner?.id) return { verdict: "refused", reason: toRefusal(change) };
  if (filter === false) return { verdict: "filtered", reason: "Its filter does not match the record." };
  const { verdict, reason } = judgeByTime(change, stream);
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
