/** Tests that streams opened with a ticket end with the sign-in that requested it (W6), on every node, and that others stay open. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openEvents } from "@/tests/support/clients/event-client";
import { addTicket } from "@/tests/support/clients/tickets";
import type { Seed } from "@/tests/support/servers/data-server";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";

const ENDED = { code: 1000, reason: "The sign-in that opened this stream has ended. Sign in again." };

let server: RealtimeServer;
/** Another node, which shares only the database. */
let other: RealtimeServer;
let seed: Seed;

beforeAll(async () => {
  server = await createRealtimeServer();
  other = await createRealtimeServer({ database: server.database });
});
afterAll(async () => {
  await other.close();
  await server.close();
});
beforeEach(async () => {
  seed = await server.seed({ secure: true });
});

const toPath = (ticket: string) => `/api/1/ce/${seed.endpointName}?ticket=${ticket}`;
const endSession = (set: string, id: string) => server.pool.query(`UPDATE "Session" SET ${set} WHERE id = $1`, [id]);

async function open(node: RealtimeServer, sessionId?: string) {
  const ticket = await addTicket(server, { ...seed, ...(sessionId === undefined ? {} : { sessionId }) });
  return { ...ticket, client: await node.connect(toPath(ticket.ticket)) };
}

describe("the streams of a session", () => {
  it.each<[string, (id: string) => Promise<unknown>]>([
    ["is revoked", (id) => endSession(`"revokedAt" = now()`, id)],
    ["expires", (id) => endSession(`"expiresAt" = '2020-01-01'`, id)],
    ["is deleted", (id) => server.pool.query(`DELETE FROM "Session" WHERE id = $1`, [id])],
  ])("[W6] end on every node once it %s; those of the account's other sessions stay open", async (_, end) => {
    const [here, there, lasting] = [await open(server), await open(other), await open(other)];
    const again = await open(server, here.sessionId);
    await end(here.sessionId);
    await end(there.sessionId);
    await server.tick();
    await other.tick();
    for (const { client } of [here, there, again]) expect(await client.closed).toEqual(ENDED);
    expect(other.hub.subscriberCount(seed.endpointId)).toBe(1);
    expect(lasting.client.webSocket.readyState).toBe(lasting.client.webSocket.OPEN);
    expect(lasting.client.texts).toEqual([]);
  });

  it("[W6] [W12] end as server-sent events, too", async () => {
    const { ticket, sessionId } = await addTicket(server, seed);
    const client = await openEvents(`${other.httpOrigin}${toPath(ticket)}`);
    await endSession(`"revokedAt" = now()`, sessionId);
    await other.tick();
    expect(await client.ended).toBe("whole");
    expect(client.events()).toMatchObject([{ type: "close", data: JSON.stringify(ENDED) }]);
  });

  it("[W6] end at once in the process that ends the session, without a tick", async () => {
    const { client, sessionId, userId } = await open(server);
    await endSession(`"revokedAt" = now()`, sessionId);
    server.signIns.invalidate(userId);
    expect(await client.closed).toEqual(ENDED);
  });

  it("[W6] a ticket that was not used dies with its session", async () => {
    const { ticket, sessionId } = await addTicket(server, seed);
    await endSession(`"revokedAt" = now()`, sessionId);
    const client = await other.connect(toPath(ticket));
    expect((await client.closed).code).toBe(4000);
    expect(client.texts).toEqual([]);
  });

  it("[W6] end when the project is another account's", async () => {
    const { client } = await open(other);
    const stranger = await server.seed();
    await server.pool.query(`UPDATE "Project" SET "ownerId" = (SELECT "ownerId" FROM "Project" WHERE id = $2) WHERE id = $1`, [
      seed.projectId,
      stranger.projectId,
    ]);
    await other.tick();
    expect(await client.closed).toEqual({ code: 1000, reason: "Access to the endpoint has changed. Connect again." });
  });
});
