/** Tests records of users on secure endpoints (S2) beyond the access table: what a refusal reveals, pages of lists, and permanent ownership. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";
import { addRecord, createSecureWorld, MASTER_KEY, type SecureWorld, type Switches } from "@/tests/support/servers/secure-world";

let server: RealtimeServer;
beforeAll(async () => {
  server = await createRealtimeServer();
});
afterAll(() => server.close());

type Caller = "ann" | "bob" | "master";

interface Request {
  query?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

async function createWorld(switches: Switches = {}) {
  const world = await createSecureWorld(server, { secure: true, ...switches });
  const add = (owner: "ann" | "bob" | undefined, data?: string) =>
    addRecord(server, world.endpointId, owner && world.users[owner].id, data);
  const ask = async (as: Caller, method: string, { query = "", body, headers = {} }: Request = {}) => {
    const answer = await fetch(`${server.httpOrigin}${world.path}?key=${world.keys.both}${query}`, {
      method,
      headers: {
        ...(as === "master" ? { "X-Master-Key": MASTER_KEY } : { Authorization: `Bearer ${world.users[as].token}` }),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, body: text === "" ? undefined : JSON.parse(text) };
  };
  return { world, add, ask };
}

const setSchema = ({ endpointId }: SecureWorld, schema: object) =>
  server.pool.query(`UPDATE "Endpoint" SET schema = $2 WHERE id = $1`, [endpointId, JSON.stringify(schema)]);

describe("refusals", () => {
  it("[S2] another user's record is refused without revealing its contents", async () => {
    const { world, add, ask } = await createWorld();
    const [object, text] = [await add("ann", '{"n":1,"secret":1}'), await add("ann", '"a text"')];
    await setSchema(world, { type: ["object", "string"], properties: { n: { type: "number" } }, maxProperties: 1 });
    server.definitions.invalidate(world.projectId);
    const attempts: [string, string, Request][] = [
      ["a merge into a text", "PUT", { query: `&uniqueId=${text}&strategy=merge`, body: { n: 1 } }],
      ["a merge that would not match the schema", "PUT", { query: `&uniqueId=${object}&strategy=merge`, body: { n: 2 } }],
      ["another type", "PUT", { query: `&uniqueId=${object}&strategy=replace`, body: "a text" }],
      ["another version", "PUT", { query: `&uniqueId=${object}`, body: { n: 2 }, headers: { "If-Match": '"77"' } }],
      ["the version", "PUT", { query: `&uniqueId=${object}`, body: { n: 2 }, headers: { "If-Match": '"1"' } }],
      ["the end of another version", "DELETE", { query: `&uniqueId=${object}`, headers: { "If-Match": '"77"' } }],
      ["a look", "GET", { query: `&uniqueId=${object}` }],
      ["a look at its data", "GET", { query: `&uniqueId=${object}&dataOnly=true` }],
      ["a look whether it is the same", "GET", { query: `&uniqueId=${object}`, headers: { "If-None-Match": '"1"' } }],
      ["a look through an expression", "GET", { query: `&uniqueId=${object}&jsonata=${encodeURIComponent("$count($)")}` }],
      ["its file", "GET", { query: `&uniqueId=${object}&fileOnly=true` }],
    ];
    for (const [what, method, request] of attempts) {
      const { status, body } = await ask("bob", method, request);
      expect([status, body?.code, body?.detail], what).toEqual([403, "access_denied", "This record belongs to another user."]);
    }
    const { status, text: nothing } = await ask("bob", "HEAD", { query: `&uniqueId=${object}` });
    expect([status, nothing]).toEqual([403, ""]);
  });

  it("[S2] a missing record gives everybody the same response", async () => {
    const { ask } = await createWorld();
    const query = `&uniqueId=${"0".repeat(32)}`;
    for (const as of ["ann", "master"] as const) {
      expect((await ask(as, "PUT", { query, body: 1 })).body.code).toBe("record_not_found");
      expect((await ask(as, "PUT", { query: `${query}&strategy=merge`, body: {} })).body.code).toBe("record_not_found");
      expect((await ask(as, "DELETE", { query })).body.code).toBe("record_not_found");
      expect((await ask(as, "GET", { query })).body).toEqual([]);
    }
  });

  it("[S2] a record of another endpoint is not found, even if the user owns it", async () => {
    const { ask } = await createWorld();
    const other = await createWorld();
    const query = `&uniqueId=${await other.add("ann")}`;
    expect((await ask("ann", "GET", { query })).body).toEqual([]);
    expect((await ask("ann", "DELETE", { query })).body.code).toBe("record_not_found");
  });
});

describe("lists", () => {
  it("[S2] [R3] pages contain only the user's own records, in either order, until the end", async () => {
    const { add, ask } = await createWorld();
    const mine: string[] = [];
    for (let i = 0; i < 7; i++) {
      await add(i % 2 ? "ann" : undefined);
      mine.push(await add("bob"));
    }
    await add("ann");
    for (const order of ["asc", "desc"]) {
      const seen: string[] = [];
      let query: string | undefined = `&limit=3&order=${order}`;
      let pages = 0;
      while (query !== undefined) {
        const answer: Awaited<ReturnType<typeof ask>> = await ask("bob", "GET", { query });
        seen.push(...answer.body.map(({ uniqueId }: { uniqueId: string }) => uniqueId));
        pages++;
        const cursor: string | undefined = /[?&]cursor=([^&>]+)/.exec(answer.headers.get("link") ?? "")?.[1];
        query = cursor === undefined ? undefined : `&limit=3&order=${order}&cursor=${cursor}`;
      }
      expect(seen).toEqual(order === "asc" ? mine : [...mine].reverse());
      expect(pages).toBe(3);
    }
  });
});

describe("the owner of a record", () => {
  it("[S2] does not change when another caller changes the record", async () => {
    const { world, ask } = await createWorld({ othersCanUpdate: true });
    const { uniqueId } = (await ask("ann", "POST", { body: { n: 1 } })).body;
    const query = `&uniqueId=${uniqueId}`;
    const ownerOf = async () => (await server.records.readOne(world.endpointId, uniqueId))?.owner;
    expect(await ownerOf()).toBe(world.users.ann.id);
    expect((await ask("bob", "PUT", { query, body: { n: 2 } })).status).toBe(200);
    expect((await ask("bob", "PUT", { query: `${query}&strategy=merge`, body: { m: 1 } })).status).toBe(200);
    expect((await ask("master", "PUT", { query, body: { n: 3 } })).status).toBe(200);
    expect(await ownerOf()).toBe(world.users.ann.id);
    // bob may change it, but not read or delete it, so its changes are not streamed to him.
    expect((await ask("bob", "GET", { query })).body.code).toBe("access_denied");
    expect((await ask("bob", "DELETE", { query })).body.code).toBe("access_denied");
  });

  it("[S2] [L4] a deleted user's records stay, and get no other owner", async () => {
    const { world, add, ask } = await createWorld();
    const id = await add("ann");
    await server.records.commit((await endpointOf(world.users.ann.id)) ?? "", [{ type: "DELETE", id: world.users.ann.id }]);
    expect((await ask("bob", "GET", { query: `&uniqueId=${id}` })).body.code).toBe("access_denied");
    expect((await ask("bob", "GET")).body).toEqual([]);
    expect((await ask("master", "GET")).body).toMatchObject([{ uniqueId: id }]);
    expect((await ask("master", "DELETE", { query: `&uniqueId=${id}` })).status).toBe(200);
  });

  it("[S1] [S2] records created with the master key have no owner, even if a token is sent", async () => {
    const { world, ask } = await createWorld();
    const headers = { Authorization: `Bearer ${world.users.ann.token}` };
    const { uniqueId } = (await ask("master", "POST", { body: 1, headers })).body;
    expect((await server.records.readOne(world.endpointId, uniqueId))?.owner).toBeNull();
    expect((await ask("ann", "GET", { query: `&uniqueId=${uniqueId}` })).body.code).toBe("access_denied");
  });

  it("[S5] callers who may change or delete a record get it in the response, even if a GET is refused", async () => {
    const { world, add, ask } = await createWorld({ othersCanUpdate: true, othersCanDelete: true });
    const id = await add("ann", '{"n":1}');
    const query = `&uniqueId=${id}`;
    const bob = await server.connect(`${world.path}?key=${world.keys.both}&accessToken=${world.users.bob.token}`);
    expect((await ask("bob", "GET", { query })).body.code).toBe("access_denied");
    expect((await ask("bob", "PUT", { query: `${query}&strategy=merge`, body: { m: 2 } })).body.data).toEqual({ n: 1, m: 2 });
    expect((await ask("bob", "DELETE", { query })).body.data).toEqual({ n: 1, m: 2 });
    // The stream matches GET: the first record he receives is his own.
    const { uniqueId } = (await ask("bob", "POST", { body: 1 })).body;
    expect((await bob.at(0)).record?.uniqueId).toBe(uniqueId);
  });

  it("[S2] the switches take effect immediately", async () => {
    const { world, add, ask } = await createWorld();
    const query = `&uniqueId=${await add("ann")}`;
    expect((await ask("bob", "DELETE", { query })).body.code).toBe("access_denied");
    await server.pool.query(`UPDATE "Endpoint" SET "othersCanDelete" = true WHERE id = $1`, [world.endpointId]);
    await server.tick();
    expect((await ask("bob", "DELETE", { query })).status).toBe(200);
  });
});

async function endpointOf(recordId: string): Promise<string | undefined> {
  const { rows } = await server.pool.query<{ id: string }>(`SELECT "endpointId"::text AS id FROM "Record" WHERE id = $1`, [recordId]);
  return rows[0]?.id;
}
