/** Tests that hidden fields are in no response, and that writes of those who cannot see them keep them (S7). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRuledWorld, type RuledWorld } from "@/tests/support/ruled-world";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";

let server: RealtimeServer;
beforeAll(async () => {
  server = await createRealtimeServer();
});
afterAll(() => server.close());

const HIDE = { hide: ["phone unless @owner = @user.id", "address.street, notes.text"], read: "true", update: "true", delete: "true" };
const DATA = { name: "Ann", phone: "secret-1", address: { city: "Rome", street: "secret-2" }, notes: [{ n: 1, text: "secret-3" }] };
const SEEN = { name: "Ann", address: { city: "Rome" }, notes: [{ n: 1 }] };

async function createWorld(): Promise<RuledWorld & { id: string; put(query: string, body: unknown): ReturnType<RuledWorld["ask"]> }> {
  const ruled = await createRuledWorld(server, HIDE, { secure: true });
  const id = await ruled.add("ann", DATA);
  return { ...ruled, id, put: (query, body) => ruled.ask("bob", "PUT", { query: `&uniqueId=${id}${query}`, body }) };
}

const setSchema = async ({ world }: RuledWorld, schema: object) => {
  await server.pool.query(`UPDATE "Endpoint" SET schema = $2 WHERE id = $1`, [world.endpointId, JSON.stringify(schema)]);
  server.definitions.invalidate(world.projectId);
};

describe("reading", () => {
  it("[S7] [R6] no form of a GET shows hidden fields", async () => {
    const { ask, id, add } = await createWorld();
    await add("ann", DATA);
    const jsonata = (expression: string) => `&jsonata=${encodeURIComponent(expression)}`;
    const queries = [
      "",
      "&dataOnly=true",
      "&limit=1",
      "&order=desc&limit=2",
      `&uniqueId=${id}`,
      `&uniqueId=${id},${id.replace(/^./, "f")}`,
    ];
    for (const query of [...queries, ...queries.map((each) => each + jsonata("$string($)"))]) {
      const { status, text, headers } = await ask("bob", "GET", { query });
      expect([status, text.includes("Rome")], query).toEqual([200, true]);
      expect(text + JSON.stringify([...headers]), query).not.toContain("secret");
    }
    expect((await ask("bob", "GET", { query: jsonata("$count(data.phone)") })).body).toBe(0);
    expect((await ask("ann", "GET", { query: `&uniqueId=${id}&dataOnly=true` })).body).toEqual([{ ...SEEN, phone: "secret-1" }]);
    expect((await ask("master", "GET", { query: `&uniqueId=${id}&dataOnly=true` })).body).toEqual([DATA]);
  });

  it("[S7] [R7] the response to If-None-Match is the record, because other fields may be hidden by now", async () => {
    const { ask, id } = await createWorld();
    const query = `&uniqueId=${id}`;
    const { headers } = await ask("bob", "GET", { query });
    const again = await ask("bob", "GET", { query, headers: { "If-None-Match": headers.get("etag") ?? "" } });
    expect([again.status, again.body[0].data]).toEqual([200, SEEN]);
  });
});

describe("writing", () => {
  it.each(["force", "replace"])("[S7] strategy %s keeps the hidden fields", async (strategy) => {
    const { put, dataOf, id } = await createWorld();
    const changed = await put(`&strategy=${strategy}`, { ...SEEN, name: "Anna", address: { city: "Bari" } });
    expect([changed.status, changed.body.data]).toEqual([200, { name: "Anna", address: { city: "Bari" }, notes: [{ n: 1 }] }]);
    expect(await dataOf(id)).toEqual({ ...DATA, name: "Anna", address: { city: "Bari", street: "secret-2" } });
    await put(`&strategy=${strategy}`, {});
    expect(await dataOf(id)).toEqual({ phone: "secret-1", address: { street: "secret-2" }, notes: DATA.notes });
  });

  it("[S7] a merge changes the other fields", async () => {
    const { put, dataOf, id } = await createWorld();
    const changed = await put("&strategy=merge", { name: "Anna", address: { city: "Bari" } });
    expect(changed.body.data).toEqual({ name: "Anna", address: { city: "Bari" }, notes: [{ n: 1 }] });
    expect(await dataOf(id)).toEqual({ ...DATA, name: "Anna", address: { city: "Bari", street: "secret-2" } });
  });

  it.each([
    ["a hidden field", { phone: "1" }],
    ["one with its own value", { phone: "secret-1" }],
    ["null", { phone: null }],
    ["a nested one", { address: { street: "1" } }],
    ["the object of one", { address: "nowhere" }],
    ["the list of one", { notes: [] }],
    ["one in a list", { notes: [{ n: 1, text: "secret-3" }] }],
  ])("[S7] a body that sets %s is refused in the same way, whether or not it is stored", async (_, body) => {
    const { put, dataOf, id, add, ask } = await createWorld();
    const without = await add("ann", SEEN);
    for (const strategy of ["force", "replace", "merge"]) {
      const refused = await put(`&strategy=${strategy}`, body);
      expect([refused.status, refused.body.code]).toEqual([403, "access_denied"]);
      const same = await ask("bob", "PUT", { query: `&uniqueId=${without}&strategy=${strategy}`, body });
      expect({ ...same.body, requestId: "" }).toEqual({ ...refused.body, requestId: "" });
    }
    expect(await dataOf(id)).toEqual(DATA);
  });

  it("[S7] an object that is merged into a list with hidden fields would replace it, and is refused in the same way", async () => {
    const { put, dataOf, id, add, ask } = await createWorld();
    const without = await add("ann", SEEN);
    for (const notes of [{}, { n: 1 }, { 0: { n: 2 } }]) {
      const refused = await put("&strategy=merge", { notes });
      expect([refused.status, refused.body.code]).toEqual([403, "access_denied"]);
      const same = await ask("bob", "PUT", { query: `&uniqueId=${without}&strategy=merge`, body: { notes } });
      expect({ ...same.body, requestId: "" }).toEqual({ ...refused.body, requestId: "" });
    }
    expect(await dataOf(id)).toEqual(DATA);
  });

  it("[S7] a text or a list cannot replace a record with hidden fields", async () => {
    const { put, dataOf, id, ask } = await createWorld();
    for (const body of ["a text", [1], null]) expect((await put("", body)).status).toBe(403);
    const headers = { "Content-Type": "text/plain" };
    expect((await ask("bob", "PUT", { query: `&uniqueId=${id}`, body: "a text", headers })).status).toBe(403);
    expect(await dataOf(id)).toEqual(DATA);
  });

  it("[S7] who sees a field can change and remove it", async () => {
    const { ask, dataOf, id } = await createWorld();
    await ask("ann", "PUT", { query: `&uniqueId=${id}&strategy=merge`, body: { phone: "2" } });
    expect(await dataOf(id)).toEqual({ ...DATA, phone: "2" });
    await ask("ann", "PUT", { query: `&uniqueId=${id}`, body: SEEN });
    expect(await dataOf(id)).toEqual({ ...DATA, phone: undefined });
  });

  it("[S7] creations and deletions show the record without hidden fields", async () => {
    const { ask, id } = await createWorld();
    const created = await ask("bob", "POST", { body: DATA });
    expect(created.body.data).toEqual({ ...SEEN, phone: "secret-1" });
    expect((await ask("bob", "DELETE", { query: `&uniqueId=${id}` })).body.data).toEqual(SEEN);
  });

  it("[S7] [R10] the schema is applied to all of the record, and its errors reveal nothing hidden", async () => {
    const ruled = await createWorld();
    const { put, dataOf, id, ask } = ruled;
    await setSchema(ruled, {
      required: ["phone"],
      properties: { phone: { maxLength: 20 }, name: { maxLength: 5 }, address: { required: ["street"] } },
    });
    expect((await put("", { name: "Bob" })).status).toBe(200);
    await setSchema(ruled, { properties: { phone: { pattern: "^other" }, name: { maxLength: 5 } } });
    for (const strategy of ["force", "merge", "replace"]) {
      const refused = await put(`&strategy=${strategy}`, { name: "Bob" });
      expect([refused.status, refused.body.code, refused.body.fields]).toEqual([400, "schema_mismatch", undefined]);
      expect(refused.text).not.toMatch(/phone|other|secret/);
    }
    expect((await ask("ann", "PUT", { query: `&uniqueId=${id}&strategy=merge`, body: { name: "Bob" } })).body.fields).toBeUndefined();
    expect(await dataOf(id)).toMatchObject({ phone: "secret-1" });
  });

  it("[S7] digits, order and duplicates of what is kept stay as stored", async () => {
    const { world, add: _, ask } = await createWorld();
    const id = `${"0".repeat(31)}7`;
    const data = '{"z":1.10,"phone":"secret-1","phone":1e400,"a":2}';
    await server.records.commit(world.endpointId, [{ type: "POST", id, contentType: "json", data, owner: world.users.ann.id }]);
    expect((await ask("bob", "GET", { query: `&uniqueId=${id}&dataOnly=true` })).text).toBe('[{"z":1.10,"a":2}]');
    await ask("bob", "PUT", { query: `&uniqueId=${id}`, body: { b: 1 } });
    expect((await server.records.readOne(world.endpointId, id))?.data).toBe('{"b":1,"phone":"secret-1","phone":1e400}');
  });
});
