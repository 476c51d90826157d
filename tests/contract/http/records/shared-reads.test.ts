/** Tests concurrent reads, which share statements, over HTTP: each request gets the response of its own key, user and parameters. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";
import { addRecord, createSecureWorld, MASTER_KEY } from "@/tests/support/servers/secure-world";

let server: RealtimeServer;
beforeAll(async () => {
  server = await createRealtimeServer();
});
afterAll(() => server.close());

/** Two users with a record each at a secure endpoint where nobody reads the records of others. */
async function createWorld() {
  const world = await createSecureWorld(server, { secure: true });
  const ids = {
    ann: await addRecord(server, world.endpointId, world.users.ann.id, '"of ann"'),
    bob: await addRecord(server, world.endpointId, world.users.bob.id, '"of bob"'),
  };
  const get = async (as: "ann" | "bob" | "master", query: string) => {
    const answer = await fetch(`${server.httpOrigin}${world.path}?key=${world.keys.both}&dataOnly=true${query}`, {
      headers: as === "master" ? { "X-Master-Key": MASTER_KEY } : { Authorization: `Bearer ${world.users[as].token}` },
    });
    const text = await answer.text();
    return answer.ok ? text : `${answer.status}`;
  };
  return { ids, get };
}

describe("concurrent reads", () => {
  it("[S2] [E6] of the same and of different records, lists and pages give each user only what it may read", async () => {
    const worlds = [await createWorld(), await createWorld()];
    const asked = Array.from({ length: 10 }, () =>
      worlds.flatMap(({ ids, get }, index) => {
        const elsewhere = worlds[1 - index]?.ids.ann;
        return [
          { get: () => get("ann", ""), expected: '["of ann"]' },
          { get: () => get("bob", ""), expected: '["of bob"]' },
          { get: () => get("master", ""), expected: '["of ann","of bob"]' },
          { get: () => get("ann", "&limit=1"), expected: '["of ann"]' },
          { get: () => get("bob", "&limit=1"), expected: '["of bob"]' },
          { get: () => get("master", "&limit=1&order=desc"), expected: '["of bob"]' },
          { get: () => get("ann", `&uniqueId=${ids.ann}`), expected: '["of ann"]' },
          { get: () => get("ann", `&uniqueId=${ids.bob}`), expected: "403" },
          { get: () => get("bob", `&uniqueId=${ids.bob}`), expected: '["of bob"]' },
          { get: () => get("master", `&uniqueId=${ids.bob}`), expected: '["of bob"]' },
          { get: () => get("master", `&uniqueId=${elsewhere}`), expected: "[]" },
        ];
      }),
    ).flat();
    const answers = await Promise.all(asked.map(({ get }) => get()));
    expect(answers).toEqual(asked.map(({ expected }) => expected));
  });
});
