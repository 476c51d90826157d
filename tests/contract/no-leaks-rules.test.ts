/**
 * Tests that refused records and hidden fields are in no response, header, error, stream or log, for all kinds of requests (S7). Each stored text is a
 * secret of its own, which only some may see.
 */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createRuledWorld, type RuledWorld } from "@/tests/support/ruled-world";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";

type Viewer = "ann" | "bob" | "sue" | "nobody" | "master";
const VIEWERS: readonly Viewer[] = ["ann", "bob", "sue", "nobody", "master"];

let server: RealtimeServer;
let ruled: RuledWorld;
const secrets: { what: string; value: string; readers: readonly Viewer[] }[] = [];
const sightings: { viewer: Viewer; what: string; text: string }[] = [];

beforeAll(async () => {
  server = await createRealtimeServer();
  ruled = await createRuledWorld(server, RULES);
});
afterAll(() => server.close());

/**
 * ann owns the records, bob is a member, sue is not. Everybody may change and delete, because the responses to that must not leak either. Nobody sees the state,
 * so nobody can change it.
 */
const RULES = {
  read: '(@owner = @user.id | data.members ~ @user.id) & (data.state missing | data.state != "closed")',
  create: "true",
  update: "@input.refuse missing",
  delete: "@user.id exists",
  hide: ["state", "phone unless @owner = @user.id", "address.street, items.price unless @owner = @user.id", "score"],
};

function createSecret(what: string, readers: readonly Viewer[]): string {
  const value = `secret${randomBytes(12).toString("hex")}`;
  secrets.push({ what, value, readers: [...readers, "master"] });
  return value;
}

/** A record of ann that bob may read, with fields that only she, or nobody, may see. */
function createData(state: "open" | "closed"): object {
  const isOpen = state === "open";
  return {
    state,
    members: [ruled.world.users.bob.id],
    text: createSecret(`the text of an ${state} record`, isOpen ? ["ann", "bob"] : []),
    phone: createSecret(`the phone of an ${state} record`, isOpen ? ["ann"] : []),
    address: { city: "Rome", street: createSecret(`the street of an ${state} record`, isOpen ? ["ann"] : []) },
    items: [{ price: createSecret(`a price of an ${state} record`, isOpen ? ["ann"] : []) }, { count: 1 }],
    score: createSecret(`the score of an ${state} record`, []),
  };
}

interface Request {
  method?: string;
  query?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

function requestsOf(ids: readonly string[]): Request[] {
  const jsonata = (expression: string) => `&jsonata=${encodeURIComponent(expression)}`;
  const lists = ["", "&dataOnly=true", "&limit=1", "&limit=2&order=desc", "&limit=0", "&cursor=bad", `&uniqueId=${ids.join()}`];
  const changes = [
    { text: "new" },
    { phone: "1" },
    { address: 1 },
    { address: { city: "Bari" } },
    { items: [] },
    { refuse: true },
    "a text",
    [],
  ];
  return [
    ...lists.flatMap((query): Request[] => [
      { query },
      { query, method: "HEAD" },
      { query: query + jsonata("$") },
      { query: query + jsonata("$[") },
    ]),
    { query: jsonata("$error($string($))") },
    { query: jsonata("data.phone") },
    ...ids.flatMap((id): Request[] => [
      { query: `&uniqueId=${id}` },
      { query: `&uniqueId=${id}`, headers: { "If-None-Match": '"1"' } },
      { query: `&uniqueId=${id}${jsonata("$string($)")}` },
      { query: `&uniqueId=${id}&fileOnly=true` },
      { query: `&uniqueId=${id}&fileToken=true`, method: "POST" },
      ...changes.flatMap((body) =>
        ["force", "replace", "merge"].map((strategy): Request => ({ method: "PUT", query: `&uniqueId=${id}&strategy=${strategy}`, body })),
      ),
      { method: "PUT", query: `&uniqueId=${id}`, body: {}, headers: { "If-Match": '"77"' } },
      { method: "PUT", query: `&uniqueId=${id}&strategy=merge`, body: { text: "new" }, headers: { "If-Match": '"1", "2"' } },
      { method: "DELETE", query: `&uniqueId=${id}`, headers: { "If-Match": '"77"' } },
    ]),
    { method: "POST", body: { text: "mine" }, headers: { "Idempotency-Key": "the same for all" } },
    { method: "POST", query: "&bulk=true", body: [{ text: "mine" }] },
  ];
}

async function see(viewer: Viewer, request: Request): Promise<void> {
  const { method = "GET", query = "", body, headers } = request;
  const answer = await ruled.ask(viewer, method, { query, body, ...(headers ? { headers } : {}) });
  sightings.push({
    viewer,
    what: `${method} ${query} ${JSON.stringify(body)}`,
    text: `${JSON.stringify([...answer.headers])} ${answer.text}`,
  });
}

/** Sends the requests, some at the same time. */
async function seeAll(viewer: Viewer, requests: readonly Request[]): Promise<void> {
  for (let start = 0; start < requests.length; start += 16)
    await Promise.all(requests.slice(start, start + 16).map((request) => see(viewer, request)));
}

it("[S7] nobody sees what a GET would refuse", async () => {
  const { world } = ruled;
  const open = async () => {
    const clients = [];
    for (const viewer of ["ann", "bob", "sue", "nobody"] as const) {
      const headers = viewer === "nobody" ? {} : { Authorization: `Bearer ${world.users[viewer].token}` };
      for (const mode of ["", "&since=now", "&snapshot=true&since=now"])
        clients.push({ viewer, mode, client: await server.connect(`${world.path}?key=${world.keys.both}${mode}`, { headers }) });
    }
    return clients;
  };
  const before = await open();
  const ids: string[] = [];
  for (const state of ["open", "closed", "open"] as const) ids.push(await ruled.add("ann", createData(state)));
  const during = await open();
  // A schema that no record matches, so that each change fails with a mismatch of the stored fields; then none.
  const setSchema = async (schema: object | null) => {
    await server.pool.query(`UPDATE "Endpoint" SET schema = $2 WHERE id = $1`, [world.endpointId, schema && JSON.stringify(schema)]);
    server.definitions.invalidate(world.projectId);
  };
  const enumeration = { type: "string", enum: ["other"] };
  await setSchema({ properties: { phone: enumeration, score: enumeration, address: { properties: { street: enumeration } } } });
  for (const viewer of VIEWERS) if (viewer !== "master") await seeAll(viewer, requestsOf(ids));
  await setSchema(null);
  await seeAll("master", [{}]);
  for (const viewer of ["nobody", "sue", "bob", "ann"] as const) await seeAll(viewer, requestsOf(ids));
  for (const viewer of ["sue", "bob", "ann"] as const)
    for (const id of ids) {
      await see(viewer, { method: "DELETE", query: `&uniqueId=${id}` });
    }
  for (const { viewer, mode, client } of [...before, ...during])
    sightings.push({
      viewer,
      what: `a stream ${mode}`,
      text: client.texts.join() + JSON.stringify(await Promise.race([client.closed, undefined])),
    });
  for (const text of server.logged) sightings.push({ viewer: "nobody", what: "the log", text });

  const leaks = sightings.flatMap(({ viewer, what, text }) =>
    secrets
      .filter(({ value, readers }) => text.includes(value) && !readers.includes(viewer))
      .map((secret) => `${viewer} saw ${secret.what} by ${what}`),
  );
  expect(leaks).toEqual([]);
  // The test would notice: those who may see a secret have seen it.
  for (const { what, value, readers } of secrets)
    for (const reader of readers)
      expect(
        sightings.some(({ viewer, text }) => viewer === reader && text.includes(value)),
        `${reader}, ${what}`,
      ).toBe(true);
}, 90_000);
