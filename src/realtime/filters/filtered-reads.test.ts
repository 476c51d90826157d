/** Reads of whole uploads, while changes expire between two queries, and what is read for judged snapshots. */
import { describe, expect, it } from "vitest";
import type { SnapshotReader } from "@/src/core/streams/ports";
import { createMemoryLog } from "@/tests/support/memory/memory-log";
import { createFilteredReads, readWholeUploads } from "./filtered-reads";
import { createStreamView } from "./stream-view";

/** Reads four changes of a log with an upload of four files, and runs `meanwhile` after the first query. Returns the seqs. */
async function readPage(meanwhile: (trim: (seq: number) => void) => void): Promise<number[]> {
  const log = createMemoryLog({ epoch: "0".repeat(32) });
  log.commit(2);
  log.commit(4, { isUpload: true });
  log.commit(2);
  let queries = 0;
  const readLog: typeof log.read = async (...asked) => {
    const page = await log.read(...asked);
    queries += 1;
    if (queries === 1) meanwhile(log.trim);
    return page;
  };
  return (await readWholeUploads({ readLog }, log.endpointId, 0, 4)).map(({ seq }) => seq);
}

describe("readWholeUploads", () => {
  it("[W2] [W13] reads the rest of an upload that the page ends in", async () => {
    expect(await readPage(() => undefined)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it.each([5, 6])("[W10] [W13] returns no later changes in place of files that expired up to %d meanwhile", async (seq) => {
    expect(await readPage((trim) => trim(seq))).toEqual([1, 2, 3, 4]);
  });
});

describe("a page of a judged snapshot", () => {
  const JUDGE = { hidesFields: false, redact: () => "", judge: (_: unknown, records: readonly unknown[]) => records.map(() => true) };

  /** The ranges that are read for a judge with this condition. */
  async function readSnapshot(text: string | undefined) {
    const ranges: Parameters<SnapshotReader["readPage"]>[1][] = [];
    const snapshots: SnapshotReader = {
      readPage: async (_, range) => {
        ranges.push(range);
        return { items: "", owners: new Map(), changed: [], at: { epoch: "e", seq: 9 }, nextAfter: undefined };
      },
    };
    const condition = text === undefined ? undefined : { text, values: ["v"], isExact: false };
    const view = createStreamView({ judge: { ...JUDGE, condition } });
    const reads = createFilteredReads({ readLog: async () => [], snapshots }, view, new AbortController().signal);
    await reads.snapshots.readPage("e", { owner: "o", after: 3, upto: 9 });
    return ranges;
  }

  it("[W29] is read with the whole condition of the judge, if it has one", async () => {
    const range = { owner: "o", after: 3, upto: 9, withOwners: true };
    expect(await readSnapshot(`r."ownerId" = $1::uuid`)).toEqual([
      { ...range, condition: expect.objectContaining({ text: `r."ownerId" = $1::uuid`, values: ["v"], size: expect.anything() }) },
    ]);
    for (const text of [undefined, "true"]) expect(await readSnapshot(text)).toEqual([range]);
  });

  it("[W29] reads no records if none can fulfil the condition", async () => {
    expect(await readSnapshot("false")).toMatchObject([{ after: 9, upto: 9 }]);
  });
});
