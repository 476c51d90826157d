/** Tests examples/direct-messages: the third user sees nothing of what the first one writes to the second one, by an access function (S8) and by rules (A1). */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StreamClient } from "@/tests/support/clients/stream-client";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";
import { addEndpoint, addUser, type WorldUser } from "@/tests/support/servers/secure-world";

const PLACES = ["function", "rules"] as const;
type Place = (typeof PLACES)[number];

let server: RealtimeServer;
let key: string;
let one: WorldUser;
let two: WorldUser;
let three: WorldUser;

beforeAll(async () => {
  server = await createRealtimeServer();
  const users = await server.seed({ endpointName: "direct/users", kind: "authentication" });
  const { projectId } = users;
  key = users.key;
  const [source, rules] = await Promise.all(
    ["access-function.js", "rules.json"].map((name) => readFile(`examples/direct-messages/${name}`, "utf8")),
  );
  await addEndpoint(server, { projectId, name: "direct/function", secure: true, othersCanRead: true, othersCanDelete: true });
  await addEndpoint(server, { projectId, name: "direct/rules", secure: true });
  await server.pool.query(`UPDATE "Endpoint" SET "accessFunction" = $1 WHERE "name" = 'direct/function'`, [source]);
  await server.pool.query(`UPDATE "Endpoint" SET "rules" = $1::json WHERE "name" = 'direct/rules'`, [rules]);
  const add = (username: string) => addUser(server, { endpointId: users.endpointId, projectId, username });
  [one, two, three] = [await add("user1"), await add("user2"), await add("user3")];
});
afterAll(() => server.close());

const toPath = (place: Place, query = "") => `/api/1/ce/direct/${place}?key=${key}${query}`;
const toHeaders = ({ token }: WorldUser) => ({ Authorization: `Bearer ${token}` });

function call(place: Place, user: WorldUser, method: string, query = "", body?: object): Promise<Response> {
  const json = body === undefined ? {} : { "Content-Type": "application/json" };
  return fetch(`${server.httpOrigin}${toPath(place, query)}`, {
    method,
    headers: { ...toHeaders(user), ...json },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function write(place: Place, user: WorldUser, message: { from: string; to: string; text: string }): Promise<string> {
  const answer = await call(place, user, "POST", "", message);
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { uniqueId: string }).uniqueId;
}

async function list(place: Place, user: WorldUser, query = ""): Promise<string[]> {
  const records = (await (await call(place, user, "GET", query)).json()) as { data: { text: string } }[];
  return records.map(({ data }) => data.text);
}

const connect = (place: Place, user: WorldUser, query: string) => server.connect(toPath(place, `&${query}`), { headers: toHeaders(user) });

interface Message {
  type: string;
  record?: { data: { text: string } } | { data: { text: string } }[];
  cursor?: string;
}

/** The messages up to the one with this text, as `TYPE text`, and the cursor of the last one. */
async function readUntil(client: StreamClient, text: string): Promise<{ seen: string[]; cursor: string }> {
  const seen: string[] = [];
  for (let at = 0; ; at += 1) {
    const { type, record, cursor = "" } = (await client.at(at)) as Message;
    for (const { data } of [record ?? []].flat()) seen.push(`${type} ${data.text}`);
    if (seen.some((each) => each.endsWith(` ${text}`))) return { seen, cursor };
  }
}

describe.each(PLACES)("direct messages by %s", (place) => {
  it("[S8] [A1] user3 sees nothing of user1 and user2: live, in lists, by id, in snapshots and after a resume", async () => {
    const live = {
      one: await connect(place, one, "since=now"),
      two: await connect(place, two, "since=now"),
      three: await connect(place, three, "since=now"),
    };
    const secret = await write(place, one, { from: "user1", to: "user2", text: "secret" });
    await write(place, two, { from: "user2", to: "user1", text: "answer" });
    await write(place, three, { from: "user3", to: "user3", text: "note" });
    await write(place, one, { from: "user1", to: "user3", text: "hello" });
    expect((await readUntil(live.one, "hello")).seen).toEqual(["POST secret", "POST answer", "POST hello"]);
    expect((await readUntil(live.two, "answer")).seen).toEqual(["POST secret", "POST answer"]);
    const heard = await readUntil(live.three, "hello");
    expect(heard.seen).toEqual(["POST note", "POST hello"]);

    expect(await list(place, one)).toEqual(["secret", "answer", "hello"]);
    expect(await list(place, two)).toEqual(["secret", "answer"]);
    expect(await list(place, three)).toEqual(["note", "hello"]);
    expect(await list(place, two, `&uniqueId=${secret}`)).toEqual(["secret"]);
    const refused = await call(place, three, "GET", `&uniqueId=${secret}`);
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([403, "access_denied"]);

    const snapshot = await connect(place, three, "snapshot=true&since=now");
    expect((await readUntil(snapshot, "hello")).seen).toEqual(["SNAPSHOT note", "SNAPSHOT hello"]);

    await live.three.close();
    await write(place, one, { from: "user1", to: "user2", text: "another secret" });
    await call(place, one, "DELETE", `&uniqueId=${secret}`);
    await write(place, two, { from: "user2", to: "user3", text: "later" });
    const resumed = await connect(place, three, `since=${heard.cursor}`);
    expect((await readUntil(resumed, "later")).seen).toEqual(["POST later"]);
    expect((await readUntil(snapshot, "later")).seen).toEqual(["SNAPSHOT note", "SNAPSHOT hello", "POST later"]);
    expect((await readUntil(live.two, "later")).seen.slice(2)).toEqual(["POST another secret", "DELETE secret", "POST later"]);
    expect([...live.three.texts, ...snapshot.texts, ...resumed.texts].join()).not.toMatch(/secret|answer/);
  });

  it("[S8] [A1] nobody writes in another name, changes a message, or deletes one of somebody else", async () => {
    expect((await call(place, three, "POST", "", { from: "user1", to: "user2", text: "forged" })).status).toBe(403);
    const id = await write(place, one, { from: "user1", to: "user3", text: "mine" });
    expect((await call(place, one, "PUT", `&uniqueId=${id}`, { from: "user1", to: "user2", text: "changed" })).status).toBe(403);
    expect((await call(place, three, "DELETE", `&uniqueId=${id}`)).status).toBe(403);
    expect((await call(place, one, "DELETE", `&uniqueId=${id}`)).status).toBe(200);
  });
});
