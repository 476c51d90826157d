/** Tests cursors from before a restore or a failover that removed the end of the log, after the log has grown past them (W26). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openEvents } from "@/tests/support/clients/event-client";
import { readCursor } from "@/tests/support/clients/read-cursor";
import type { StreamMessage } from "@/tests/support/memory/memory-sink";
import type { Seed } from "@/tests/support/servers/data-server";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";

let server: RealtimeServer;
/** Another node of the deployment, to which the clients reconnect. */
let node: RealtimeServer;
let seed: Seed;

beforeAll(async () => {
  server = await createRealtimeServer();
  node = await createRealtimeServer({ database: server.database });
});
afterAll(async () => {
  await node.close();
  await server.close();
});
beforeEach(async () => {
  seed = await server.seed();
});

/** Resets the endpoint to its state after change `seq`, as the restore of a backup does. */
async function restore(seq: number): Promise<void> {
  const client = await server.pool.connect();
  try {
    await client.query("BEGIN");
    await client.query(`SELECT set_config('rested.logged_by_commit', 'on', true)`);
    await client.query(`DELETE FROM "Record" WHERE "endpointId" = $1 AND seq > $2`, [seed.endpointId, seq]);
    await client.query(`DELETE FROM "Change" WHERE "endpointId" = $1 AND seq > $2`, [seed.endpointId, seq]);
    await client.query(`UPDATE "Endpoint" SET seq = $2 WHERE id = $1`, [seed.endpointId, seq]);
    await client.query("COMMIT");
  } finally {
    client.release();
  }
}

async function post(...values: string[]): Promise<void> {
  for (const value of values) await server.post(seed, value);
}

const list = async () => (await fetch(`${server.httpOrigin}${seed.path}&dataOnly=true`)).json();

/** The records of a client that applies all of these messages. */
function apply(messages: readonly StreamMessage[]): unknown[] {
  const held = new Map<string, unknown>();
  for (const { type, record } of messages) {
    if (type === "SNAPSHOT") held.clear();
    for (const each of record === undefined ? [] : [record].flat()) {
      if (type === "DELETE") held.delete(each.uniqueId);
      else held.set(each.uniqueId, each.data);
    }
  }
  return [...held.values()];
}

describe("after a restore, once the log has grown past a client's cursor", () => {
  it("[W26] since=: GAP log_rewound instead of a stream that lacks changes; a snapshot then delivers the stored records", async () => {
    const first = await server.connect(`${seed.path}&since=now`);
    await post("old1", "old2", "old3", "old4", "old5");
    const had = await first.take(6);
    await first.close();
    await restore(2);
    await post("new3", "new4", "new5", "new6", "new7");
    const since = had.at(-1)?.cursor;

    const again = await node.connect(`${seed.path}&since=${since}`);
    const [ready, gap] = await again.take(2);
    const to = await readCursor(server.changes, seed.endpointId);
    expect(ready).toEqual({ type: "READY", cursor: since });
    expect(gap).toEqual({ type: "GAP", from: since, to, reason: "log_rewound", cursor: to });
    await post("new8");
    await node.tick();
    expect((await again.at(2)).record?.data).toBe("new8");

    const fresh = await node.connect(`${seed.path}&since=now&snapshot=true`);
    expect(apply([...had, ...(await fresh.take(2))])).toEqual(["old1", "old2", "new3", "new4", "new5", "new6", "new7", "new8"]);
    expect(await list()).toEqual(["old1", "old2", "new3", "new4", "new5", "new6", "new7", "new8"]);
  });

  it("[W26] a client whose cursor is before the lost changes receives the changes after it, and no GAP", async () => {
    await post("old1", "old2");
    const since = await readCursor(server.changes, seed.endpointId);
    await post("old3", "old4");
    await restore(2);
    await post("new3", "new4");
    const client = await node.connect(`${seed.path}&since=${since}`);
    expect((await client.take(3)).map(({ type, record }) => record?.data ?? type)).toEqual(["READY", "new3", "new4"]);
  });

  it("[W12] [W26] Last-Event-ID and a snapshot's cursor are compared as well", async () => {
    await post("old1", "old2", "old3");
    const snapshot = await server.connect(`${seed.path}&since=now&snapshot=true`);
    const cursor = (await snapshot.at(1)).cursor ?? "";
    expect(cursor).toBe(await readCursor(server.changes, seed.endpointId));
    await restore(1);
    await post("new2", "new3", "new4");
    const events = await openEvents(`${node.httpOrigin}${seed.path}`, { "Last-Event-ID": cursor });
    await events.until("the gap", (client) => client.events().some(({ type }) => type === "gap"));
    expect(JSON.parse(events.events().find(({ type }) => type === "gap")?.data ?? "")).toMatchObject({
      from: cursor,
      reason: "log_rewound",
    });
    events.drop();
  });

  it("[W26] open streams on every node are notified within a poll", async () => {
    await post("old1", "old2", "old3");
    const client = await node.connect(`${seed.path}&since=now`);
    await client.at(0);
    await restore(1);
    await post("new2", "new3", "new4", "new5");
    await node.tick();
    const to = await readCursor(server.changes, seed.endpointId);
    expect(await client.at(1)).toMatchObject({ type: "GAP", reason: "log_rewound", to });
  });

  it("[W26] a cursor of an older version, without a proof, is still taken", async () => {
    await post("old1", "old2");
    const [epoch, seq] = (await readCursor(server.changes, seed.endpointId, 1)).split("-");
    const client = await node.connect(`${seed.path}&since=${epoch}-${seq}`);
    expect((await client.take(2)).map(({ type, record }) => record?.data ?? type)).toEqual(["READY", "old2"]);
  });
});
