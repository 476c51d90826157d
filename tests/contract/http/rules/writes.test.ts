/** Tests writes to endpoints with access rules (S7): judged and written in the same state, and shown as a GET would show them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRuledWorld, type RuledRequest } from "@/tests/support/ruled-world";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";

let server: RealtimeServer;
beforeAll(async () => {
  server = await createRealtimeServer();
});
afterAll(() => server.close());

const RULES = {
  read: "@owner = @user.id | data.public = true",
  create: '@input.kind = "note"',
  update: "(data.locked missing | data.locked = false) & (@owner = @user.id | @input.signedBy = @user.id)",
  delete: "data.locked missing & @owner = @user.id",
};

describe("creating", () => {
  it("[S7] a refused body is not stored, alone or in a list", async () => {
    const { ask, world } = await createRuledWorld(server, RULES, { secure: true });
    const count = async () => (await server.pool.query(`SELECT 1 FROM "Record" WHERE "endpointId" = $1`, [world.endpointId])).rowCount;
    const note = { kind: "note" };
    expect((await ask("ann", "POST", { body: { kind: "spam" } })).body.code).toBe("access_denied");
    expect((await ask("ann", "POST", { query: "&bulk=true", body: [note, { kind: "spam" }, note] })).body.code).toBe("access_denied");
    expect((await ask("ann", "POST", { body: { kind: "spam" }, headers: { "Idempotency-Key": "a" } })).body.code).toBe("access_denied");
    expect(await count()).toBe(0);
    expect((await ask("ann", "POST", { query: "&bulk=true", body: [note, note] })).body).toHaveLength(2);
    expect((await ask("ann", "POST", { query: "&bulk=true", body: [] })).body).toEqual([]);
    expect((await ask("master", "POST", { body: { kind: "spam" } })).status).toBe(201);
    expect(await count()).toBe(3);
  });

  it("[S7] [U7] who may create but not read gets receipts", async () => {
    const { ask } = await createRuledWorld(server, { read: "data.public = true" }, { secure: true });
    const one = await ask("ann", "POST", { body: { text: "secret" }, query: "&dataOnly=true" });
    expect([one.status, one.body]).toEqual([201, { uniqueId: expect.any(String), updatedAt: expect.any(String) }]);
    const bulk = await ask("ann", "POST", { query: "&bulk=true", body: [{ text: "secret" }, { public: true }] });
    expect(bulk.body.map((each: object) => "data" in each)).toEqual([false, true]);
    expect(one.text + bulk.text).not.toContain("secret");
  });

  it("[S7] [R9] a replay is judged again, and shows only what may be read now", async () => {
    const { ask, setRules } = await createRuledWorld(server, { read: "true" }, { secure: true });
    const request: RuledRequest = { body: { a: 1, b: 2 }, headers: { "Idempotency-Key": "the same" } };
    const first = await ask("ann", "POST", request);
    expect(first.body.data).toEqual({ a: 1, b: 2 });
    await setRules({ read: "true", hide: ["b"] });
    const second = await ask("ann", "POST", request);
    expect([second.headers.get("idempotent-replayed"), second.body.data]).toEqual(["true", { a: 1 }]);
    await setRules({ read: "false" });
    const third = await ask("ann", "POST", request);
    expect([third.headers.get("idempotent-replayed"), Object.keys(third.body)]).toEqual(["true", ["uniqueId", "updatedAt"]]);
    await setRules({ create: "false" });
    expect((await ask("ann", "POST", request)).body.code).toBe("access_denied");
    expect((await ask("bob", "POST", request)).body.code).toBe("access_denied");
  });
});

describe("changing", () => {
  it.each(["force", "replace", "merge"])("[S7] strategy %s: refused changes write nothing and reveal no version", async (strategy) => {
    const { ask, add, dataOf } = await createRuledWorld(server, RULES, { secure: true });
    const id = await add("ann", { n: 1 });
    const query = `&uniqueId=${id}&strategy=${strategy}`;
    for (const headers of [{}, { "If-Match": '"1"' }, { "If-Match": '"7"' }, { "If-Match": '"1", "2"' }, { "If-Match": "*" }]) {
      const refused = await ask("bob", "PUT", { query, body: { n: 2 }, headers: headers as Record<string, string> });
      expect([refused.status, refused.body.code, refused.headers.get("etag")]).toEqual([403, "access_denied", null]);
    }
    expect(await dataOf(id)).toEqual({ n: 1 });
    expect((await ask("ann", "PUT", { query, body: { n: 2 }, headers: { "If-Match": '"7"' } })).body.code).toBe("version_conflict");
    const changed = await ask("ann", "PUT", { query, body: { n: 2 }, headers: { "If-Match": '"3", "1"' } });
    expect([changed.status, changed.headers.get("etag"), changed.body.data]).toEqual([200, '"2"', { n: 2 }]);
    expect((await ask("ann", "PUT", { query, body: { locked: true } })).status).toBe(200);
    expect((await ask("ann", "PUT", { query, body: { locked: false } })).body.code).toBe("access_denied");
    expect((await ask("ann", "PUT", { query: `&uniqueId=${"0".repeat(32)}`, body: {} })).body.code).toBe("record_not_found");
  });

  it("[S7] who may change but not read gets the receipt", async () => {
    const { ask, add, world } = await createRuledWorld(server, RULES, { secure: true });
    const id = await add("ann", { secret: "of ann" });
    for (const strategy of ["merge", "force"]) {
      const body = { signedBy: world.users.bob.id };
      const changed = await ask("bob", "PUT", { query: `&uniqueId=${id}&strategy=${strategy}`, body });
      expect([changed.status, Object.keys(changed.body)]).toEqual([200, ["uniqueId", "updatedAt"]]);
    }
    const shown = await ask("bob", "PUT", { query: `&uniqueId=${id}`, body: { public: true, signedBy: world.users.bob.id } });
    expect(shown.body.data.public).toBe(true);
  });

  it("[S7] [R4] changes at the same time are all kept, and each is judged in the state that it replaces", async () => {
    const { ask, add, dataOf } = await createRuledWorld(
      server,
      { update: "data.open = true", delete: "data.open = true" },
      { secure: true },
    );
    const id = await add("ann", { open: true });
    const query = `&uniqueId=${id}`;
    const merges = await Promise.all(
      Array.from({ length: 30 }, (_, n) => ask("bob", "PUT", { query: `${query}&strategy=merge`, body: { [`n${n}`]: n } })),
    );
    expect(merges.map(({ status }) => status)).toEqual(Array(30).fill(200));
    expect(Object.keys((await dataOf(id)) as object)).toHaveLength(31);
    const forced = await Promise.all(Array.from({ length: 20 }, (_, n) => ask("bob", "PUT", { query, body: { open: true, n } })));
    expect(forced.map(({ status }) => status)).toEqual(Array(20).fill(200));
    // Only one of them can close it, because the others are judged after it.
    const closing = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        ask("bob", n % 3 === 2 ? "DELETE" : "PUT", { query: n % 3 === 1 ? `${query}&strategy=merge` : query, body: { open: false } }),
      ),
    );
    expect(closing.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const { status, body } of closing) if (status !== 200) expect(["access_denied", "record_not_found"]).toContain(body.code);
  });
});

describe("deleting", () => {
  it("[S7] is judged, and shows the record only to those who may read it", async () => {
    const { ask, add } = await createRuledWorld(server, { ...RULES, delete: "data.locked missing" }, { secure: true });
    const [mine, locked, hidden] = [await add("ann", { n: 1 }), await add("ann", { locked: true }), await add("bob", { n: 2 })];
    const remove = (id: string, headers = {}) => ask("ann", "DELETE", { query: `&uniqueId=${id}`, headers });
    expect((await remove(locked, { "If-Match": '"7"' })).body.code).toBe("access_denied");
    expect((await remove(mine, { "If-Match": '"7"' })).body.code).toBe("version_conflict");
    expect((await remove(mine)).body.data).toEqual({ n: 1 });
    expect((await remove(hidden)).body).toEqual({ uniqueId: hidden });
    expect((await remove(hidden)).body.code).toBe("record_not_found");
  });
});
