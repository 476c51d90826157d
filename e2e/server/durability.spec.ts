import { expect, test } from "playwright/test";
import { connectToDatabase } from "../support/database";
import { startServer } from "../support/server";
import { openStream } from "../support/stream";

const DEMO = "/api/1/ce/examples/unsecure-endpoint?key=d59eb2859c284168ac48aef65046d5dd";

test("[E3] kill -9 during 1,000 writes loses no acknowledged write, and the log has each write once", async () => {
  const first = await startServer({ env: { RESTED_DEMO: "1" } });
  const { dataDir } = first;
  const acknowledged = new Map<string, number>();
  let next = 0;
  let killed = false;
  const write = async () => {
    while (!killed && next < 1000) {
      const n = next++;
      try {
        const response = await fetch(first.url + DEMO, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ n }),
        });
        if (response.status === 201) acknowledged.set(((await response.json()) as { uniqueId: string }).uniqueId, n);
      } catch {
        return; // the connection died with the server
      }
      if (acknowledged.size >= 400 && !killed) {
        killed = true;
        await first.kill();
      }
    }
  };
  await Promise.all(Array.from({ length: 16 }, write));
  expect(killed).toBe(true);
  expect(acknowledged.size).toBeGreaterThanOrEqual(400);

  const second = await startServer({ dataDir, env: { RESTED_DEMO: "1" } });
  try {
    const records = (await (await fetch(second.url + DEMO)).json()) as Array<{ uniqueId: string; data: { n: number } }>;
    const kept = new Map(records.map((record) => [record.uniqueId, record.data.n]));
    for (const [id, n] of acknowledged) expect(kept.get(id), `write ${n} was acknowledged with 201`).toBe(n);

    const log = await readLog(dataDir);
    expect(log.map((change) => Number(change.seq))).toEqual(log.map((_, index) => index + 1));
    expect(new Set(log.map((change) => change.id)).size).toBe(log.length);
    expect(new Set(log.map((change) => change.id))).toEqual(new Set(kept.keys()));

    // The endpoint continues where it was: the next write has the next seq and is streamed.
    const stream = await openStream(`${second.wsUrl}${DEMO}&since=now`);
    const post = await fetch(second.url + DEMO, { method: "POST", headers: { "Content-Type": "application/json" }, body: '"after"' });
    const { uniqueId } = (await post.json()) as { uniqueId: string };
    const message = await stream.until(({ type }) => type === "POST");
    expect(message.record.uniqueId).toBe(uniqueId);
    expect(message.cursor).toMatch(new RegExp(`^[0-9a-f]{32}-${log.length + 1}-[0-9a-f]{8}$`));
    stream.close();
  } finally {
    await second.dispose();
  }
});

test("a second server on the same data folder fails to start with a reason, and the first continues", async () => {
  const first = await startServer({ env: { RESTED_DEMO: "1" } });
  try {
    await expect(startServer({ dataDir: first.dataDir })).rejects.toThrow(/in use|using|another/i);
    expect((await fetch(first.url + DEMO)).status).toBe(200);
  } finally {
    await first.dispose();
  }
});

/** Reads the change log directly from the database. */
async function readLog(dataDir: string): Promise<Array<{ seq: string; id: string }>> {
  const client = await connectToDatabase(dataDir);
  try {
    const { rows } = await client.query<{ seq: string; id: string }>(
      `SELECT c.seq, replace(c."recordId"::text, '-', '') AS id FROM "Change" c ORDER BY c.seq`,
    );
    return rows;
  } finally {
    await client.end();
  }
}
