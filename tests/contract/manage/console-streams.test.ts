/** Tests that console streams on another server end with the sign-in that requested their ticket (W6, G7), whatever ends it. */
import { encode } from "next-auth/jwt";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { cookieNames } from "@/app/lib/sign-in/session-cookie";
import { toDashboardHashContext } from "@/src/core/users/password-hasher";
import type { StreamClient } from "@/tests/support/clients/stream-client";
import { createTestDatabase, type TestDatabase } from "@/tests/support/servers/database";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";
import { type Answer, type Call, type ManageServer, ORIGIN, type Person, startManageServer } from "../../support/servers/manage-server";

const ENDED = { code: 1000, reason: "The sign-in that opened this stream has ended. Sign in again." };

let database: TestDatabase;
/** Serves the dashboard. */
let server: ManageServer;
/** Holds the streams. */
let node: RealtimeServer;
let ada: Person;
let endpointId: string;
let invalidated: string[];
let count = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startManageServer({}, database);
  server.runtime.signIns.onInvalidate((userId) => invalidated.push(userId));
  node = await createRealtimeServer({ database });
});
afterAll(async () => {
  await node.close();
  await server.stop();
  await database.drop();
});
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  endpointId = (await ada.call("POST", "/api/manage/start", { body: { name: "Readings" } })).body.endpoint.id;
  invalidated = [];
});

/** Another sign-in of the same account to the dashboard. */
async function signIn(): Promise<{ id: string; call: (method: string, path: string, call?: Call) => Promise<Answer> }> {
  const { db, secret } = server.runtime;
  const { id } = await db.session.create({ data: { userId: ada.id, expiresAt: new Date(Date.now() + 86_400_000) } });
  const cookie = `${cookieNames({ secure: false }).session}=${await encode({ token: { sub: ada.id, sid: id }, secret })}`;
  const headers = { cookie, origin: ORIGIN, "sec-fetch-site": "same-origin" };
  return { id, call: (method, path, call = {}) => server.call(method, path, { ...call, headers }) };
}

async function openConsole({ call }: Pick<Person, "call">): Promise<StreamClient> {
  const ticket = await call("POST", `/api/manage/endpoints/${endpointId}/stream-ticket`);
  expect(ticket.status).toBe(201);
  return node.connect(ticket.body.path);
}

describe("a console stream", () => {
  it("[W6] [G8] ends when its session is ended, immediately here and with the next check elsewhere; the others continue", async () => {
    const [session, lasting] = [await signIn(), await signIn()];
    const [client, other, byToken] = [await openConsole(session), await openConsole(lasting), await openConsole(ada)];
    const unused = await session.call("POST", `/api/manage/endpoints/${endpointId}/stream-ticket`);
    expect((await lasting.call("DELETE", `/api/manage/account/sessions/${session.id}`)).status).toBe(204);
    expect(invalidated).toEqual([ada.id]);
    await node.tick();
    expect(await client.closed).toEqual(ENDED);
    expect((await (await node.connect(unused.body.path)).closed).code).toBe(4000);
    await ada.call("POST", `/api/manage/endpoints/${endpointId}/records`, { body: { n: 1 } });
    await node.tick();
    for (const each of [other, byToken]) expect(await each.take(1)).toMatchObject([{ type: "POST" }]);
  });

  it("[W6] [G10] ends when the password is changed, except in the session that changed it", async () => {
    const { db, passwords } = server.runtime;
    const passwordHash = await passwords.hash("correct horse battery", toDashboardHashContext(null));
    await db.user.update({ where: { id: ada.id }, data: { passwordHash } });
    const [session, current] = [await signIn(), await signIn()];
    const [client, kept] = [await openConsole(session), await openConsole(current)];
    const body = { currentPassword: "correct horse battery", newPassword: "another good one" };
    expect((await current.call("POST", "/api/manage/account/password", { body })).status).toBe(204);
    expect(invalidated).toEqual([ada.id]);
    await node.tick();
    expect(await client.closed).toEqual(ENDED);
    expect(kept.webSocket.readyState).toBe(kept.webSocket.OPEN);
  });

  it("[W6] [G8] ends when its management token is revoked", async () => {
    const client = await openConsole(ada);
    const [token] = (await ada.call("GET", "/api/manage/account/tokens")).body;
    expect((await ada.call("DELETE", `/api/manage/account/tokens/${token.id}`)).status).toBe(204);
    expect(invalidated).toEqual([ada.id]);
    await node.tick();
    expect(await client.closed).toEqual(ENDED);
  });
});
