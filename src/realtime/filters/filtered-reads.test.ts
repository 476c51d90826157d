/** Reads of whole uploads, while changes expire between two queries. */
import { describe, expect, it } from "vitest";
import { createMemoryLog } from "@/tests/support/memory/memory-log";
import { readWholeUploads } from "./filtered-reads";

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
