/** Changes that are left out keep their places, and uploads stay whole, in one step and in two. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Change } from "@/src/core/records/ports";
import { AppError } from "@/src/shared/errors";
import { createMemoryLog } from "@/tests/support/memory/memory-log";
import { keepChanges, toVisible } from "./kept-changes";

/** A log of uploads with these numbers of files. */
function createChanges(uploads: readonly number[]): Change[] {
  const log = createMemoryLog({ epoch: "0".repeat(32) });
  return uploads.flatMap((files) => log.commit(files, { isUpload: true }));
}

const allow = (changes: readonly Change[], allowed: ReadonlySet<number>) =>
  new Map(changes.filter(({ seq }) => allowed.has(seq)).map((change) => [change, change]));
/** The seqs of each message. */
const toMessages = (changes: readonly Change[]): number[][] => {
  const messages: number[][] = [[]];
  for (const { seq, remainingInUpload } of changes) {
    messages.at(-1)?.push(seq);
    if (remainingInUpload === undefined) messages.push([]);
  }
  return messages.filter((seqs) => seqs.length > 0);
};

const uploads = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 });
const seqs = fc.array(fc.integer({ min: 1, max: 30 })).map((list) => new Set(list));

describe("keepChanges", () => {
  it("[W2] [W13] [W29] after a judge and a filter, each upload is one message with the files that both keep", () => {
    fc.assert(
      fc.property(uploads, seqs, seqs, (files, judged, filtered) => {
        const changes = createChanges(files);
        const allowed = keepChanges(changes, allow(changes, judged)).kept;
        const { kept } = keepChanges(allowed, allow(toVisible(allowed), filtered));
        expect(kept.map(({ seq }) => seq)).toEqual(changes.map(({ seq }) => seq));
        const expected = toMessages(changes).map((message) => message.filter((seq) => judged.has(seq) && filtered.has(seq)));
        expect(toMessages(toVisible(kept))).toEqual(expected.filter((message) => message.length > 0));
      }),
    );
  });

  it("[W2] [W29] keeps nothing of an upload that was not evaluated completely", () => {
    fc.assert(
      fc.property(uploads, seqs, fc.nat(), (files, judged, at) => {
        const changes = createChanges(files);
        const allowed = keepChanges(changes, allow(changes, judged)).kept;
        const visible = toVisible(allowed);
        const failing = visible[at % Math.max(visible.length, 1)];
        if (!failing) return;
        const before = visible.slice(0, visible.indexOf(failing));
        const { kept, failed } = keepChanges(allowed, new Map(before.map((change) => [change, change])), {
          error: new AppError("jsonata_limit"),
          at: failing,
        });
        expect(failed?.seq).toBe(failing.seq);
        const whole = toMessages(visible).filter((message) => message.every((seq) => seq < failing.seq));
        expect(toMessages(toVisible(kept))).toEqual(whole);
      }),
    );
  });
});
