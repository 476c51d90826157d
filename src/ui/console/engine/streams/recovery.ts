/** Writes the marks of an interruption: one line with what was recovered and what is missing, and a line where the recovered part ends. */
import { parseCursor } from "@/src/shared/streams/cursor";
import type { GapReason } from "@/src/shared/streams/stream-messages";

const GAP_REASONS: Readonly<Record<GapReason, string>> = {
  expired: "they are no longer in the log",
  epoch_changed: "the log was replaced",
  log_rewound: "the log was rolled back",
};

export interface Gap {
  from: string;
  to: string;
  reason: GapReason;
}

/** The list that the marks are a part of. */
export interface MarkedList {
  /** Appends a mark and returns its ordinal. */
  mark(kind: "resumed" | "gap", sentence: string, seq: number, atMs: number): number;
  /** Replaces a mark, if it is still in the list. */
  rewrite(ordinal: number, kind: "resumed" | "gap", sentence: string): void;
}

interface Recovering {
  ordinal: number;
  /** The last seq that was missed. */
  to: number;
  /** The number of changes that have arrived. */
  count: number;
  gap: string | undefined;
  lastSeq: number;
}

export class Recovery {
  readonly #list: MarkedList;
  #expected: { to: number; lostMs: number } | undefined;
  #recovering: Recovering | undefined;

  constructor(list: MarkedList) {
    this.#list = list;
  }

  /** Called before the stream is reopened. `to`: the last seq of the log. `lostMs`: when the connection was lost. */
  expect(to: number, lostMs: number): void {
    this.#expected = { to, lostMs };
  }

  /** The stream was reopened at `seq`. */
  begin(seq: number | undefined, atMs: number): void {
    const expected = this.#expected;
    this.#expected = undefined;
    this.finish(atMs);
    if (!expected || seq === undefined) return;
    const isMissing = expected.to > seq;
    const ordinal = this.#list.mark(
      "resumed",
      isMissing ? "Resumed · recovering changes…" : "Resumed · no changes missed",
      seq,
      expected.lostMs,
    );
    if (isMissing) this.#recovering = { ordinal, to: expected.to, count: 0, gap: undefined, lastSeq: seq };
  }

  /** `count` changes arrived, the last of which is `seq`. */
  receive(count: number, seq: number | undefined, atMs: number): void {
    const recovering = this.#recovering;
    if (!recovering || seq === undefined) return;
    recovering.count += count;
    recovering.lastSeq = seq;
    if (seq >= recovering.to) this.finish(atMs);
  }

  /** Changes are missing. Within a recovery its line states it. */
  receiveGap(gap: Gap, atMs: number): void {
    const [start, end] = [parseCursor(gap.from), parseCursor(gap.to)];
    const recovering = this.#recovering;
    const sentence = toGapSentence(gap);
    if (!recovering) {
      this.#list.mark("gap", `Gap · ${sentence}`, end?.seq ?? 0, atMs);
      return;
    }
    recovering.gap = recovering.gap === undefined ? sentence : `${recovering.gap}; ${sentence}`;
    recovering.lastSeq = end?.seq ?? start?.seq ?? recovering.lastSeq;
    if (recovering.lastSeq >= recovering.to) this.finish(atMs);
  }

  /** Ends the recovery with what has arrived until now. */
  finish(atMs: number): void {
    const recovering = this.#recovering;
    this.#recovering = undefined;
    if (!recovering) return;
    const { ordinal, count, gap, lastSeq } = recovering;
    const recovered = `Resumed · ${count === 0 ? "nothing recovered" : `recovered ${count.toLocaleString("en")} ${count === 1 ? "change" : "changes"}`}`;
    this.#list.rewrite(ordinal, gap === undefined ? "resumed" : "gap", gap === undefined ? recovered : `${recovered} · ${gap}`);
    if (count > 0) this.#list.mark("resumed", "End of the recovered changes", lastSeq, atMs);
  }

  /** The list was replaced, and the marks with it. */
  forget(): void {
    this.#recovering = undefined;
  }
}

function toGapSentence({ from, to, reason }: Gap): string {
  const [start, end] = [parseCursor(from), parseCursor(to)];
  const part = start && end && start.epoch === end.epoch && end.seq > start.seq ? `changes ${start.seq + 1} to ${end.seq}` : "some changes";
  return `${part} were missed: ${GAP_REASONS[reason]}`;
}
