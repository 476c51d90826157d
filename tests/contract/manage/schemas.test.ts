/**
 * Tests the JSON Schema of an endpoint (R10) in the management API: it is stored only if it can be evaluated, can be tried before, and applies to the
 * owner's writes.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { SCHEMA_BYTES_MAX } from "@/src/shared/management/schemas";
import { type ManageServer, type Person, startManageServer } from "../../support/servers/manage-server";

const SCHEMA = { type: "object", required: ["name"], properties: { name: { type: "string" } } };

let server: ManageServer;
let ada: Person;
let project: { id: string };
let endpoint: { id: string };
let count = 0;

beforeAll(async () => {
  server = await startManageServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  project = (await ada.call("POST", "/api/manage/projects", { body: { name: "Weather" } })).body;
  endpoint = (await create({ name: "sensors/rooftop" })).body;
});

const create = (body: object) => ada.call("POST", `/api/manage/projects/${project.id}/endpoints`, { body });
const patch = (body: object) => ada.call("PATCH", path(), { body });
const path = () => `/api/manage/endpoints/${endpoint.id}`;

const INVALID: [name: string, schema: unknown, why: RegExp][] = [
  ["of no type that exists", { type: "objet" }, /type/],
  ["with a broken pattern", { pattern: "(" }, /regular expression/],
  ["with a pattern that needs backtracking", { properties: { a: { pattern: "^(?!x)" } } }, /lookahead/],
  ["with a reference that leads nowhere", { $ref: "#/$defs/missing" }, /cannot be found/],
  ["with a reference to elsewhere", { $ref: "https://example.com/schema" }, /not loaded/],
  ["of another draft", { $schema: "http://json-schema.org/draft-07/schema#" }, /2020-12/],
  ["that is too large", { description: "x".repeat(SCHEMA_BYTES_MAX) }, /64 KiB/],
  ["that is a text", "{}", /JSON Schema/],
  ["that is a list", [SCHEMA], /JSON Schema/],
];

describe("saving a schema", () => {
  it.each([[SCHEMA], [true], [false], [{}]])("[R10] POST and PATCH store and return %j", async (schema) => {
    const made = await create({ name: "with/schema", schema });
    expect([made.status, made.body.schema]).toEqual([201, schema]);
    expect((await ada.call("GET", `/api/manage/endpoints/${made.body.id}`)).body.schema).toEqual(schema);
    const patched = await patch({ schema, description: "with it" });
    expect(patched.body).toMatchObject({ schema, description: "with it" });
    expect((await ada.call("GET", path())).body).toEqual(patched.body);
  });

  it("[R10] PATCH without it keeps it, with null removes it", async () => {
    await patch({ schema: SCHEMA });
    expect((await patch({ description: "words" })).body.schema).toEqual(SCHEMA);
    expect((await patch({ schema: null })).body.schema).toBeNull();
    const stored = await server.runtime.db.$queryRaw`SELECT "schema" IS NULL AS "isNull" FROM "Endpoint" WHERE "id" = ${endpoint.id}::uuid`;
    expect(stored).toEqual([{ isNull: true }]);
  });

  it.each(INVALID)("[R10] a schema %s is reported by its field, and nothing is stored", async (_, schema, why) => {
    for (const answer of [await patch({ schema, description: "new" }), await create({ name: "other/endpoint", schema })]) {
      expect([answer.status, answer.body.code]).toEqual([400, "fields_invalid"]);
      expect(answer.body.fields).toEqual({ schema: expect.stringMatching(why) });
    }
    expect((await ada.call("GET", path())).body).toMatchObject({ schema: null, description: "" });
    expect((await ada.call("GET", `/api/manage/projects/${project.id}/endpoints`)).body).toHaveLength(1);
  });

  it("[R10] invalidates the definition that the data plane has cached", async () => {
    const invalidated: string[] = [];
    const stop = server.runtime.definitions.onInvalidate((id) => invalidated.push(id));
    await patch({ schema: SCHEMA });
    stop();
    expect(invalidated).toEqual([project.id]);
  });

  it("[R10] applies to the owner's own writes", async () => {
    await patch({ schema: SCHEMA });
    const refused = await ada.call("POST", `${path()}/records`, { body: { nam: "ada" } });
    expect([refused.status, refused.body.code]).toEqual([400, "schema_mismatch"]);
    expect(refused.body.fields).toEqual({ "/name": "This property is required." });
    const made = await ada.call("POST", `${path()}/records`, { body: { name: "ada" } });
    expect(made.status).toBe(201);
    const merged = await ada.call("PUT", `${path()}/records/${made.body.uniqueId}?strategy=merge`, { body: { name: 1 } });
    expect(merged.body.code).toBe("schema_mismatch");
  });
});

describe("schema-check", () => {
  const check = (body: unknown) => ada.call("POST", `${path()}/schema-check`, { body });

  it("[R10] reports whether a body matches, and stores nothing", async () => {
    expect((await check({ schema: SCHEMA, body: { name: "ada" } })).body).toEqual({ valid: true, problems: {} });
    const mismatch = await check({ schema: SCHEMA, body: { name: [1] } });
    expect([mismatch.status, mismatch.body]).toEqual([200, { valid: false, problems: { "/name": "Must be a string." } }]);
    expect((await check({ schema: false, body: null })).body).toEqual({ valid: false, problems: { "": "Nothing is allowed here." } });
    expect((await check({ schema: null, body: "anything" })).body).toEqual({ valid: true, problems: {} });
    expect((await ada.call("GET", path())).body).toMatchObject({ schema: null, recordCount: 0 });
  });

  it.each(INVALID)("[R10] a schema %s is reported by its field", async (_, schema, why) => {
    const answer = await check({ schema, body: {} });
    expect([answer.status, answer.body.code, answer.body.fields]).toEqual([400, "fields_invalid", { schema: expect.stringMatching(why) }]);
  });

  it("[R10] accepts a body as large as a record may be", async () => {
    expect((await check({ schema: SCHEMA, body: { name: "x".repeat(1_000_000) } })).body.valid).toBe(true);
  });

  it("[R10] requires both parts, and no others", async () => {
    expect((await check({ schema: SCHEMA })).body.fields).toEqual({ body: "This field is required." });
    expect((await check({ body: {} })).body.fields).toEqual({ schema: expect.any(String) });
    expect((await check({ schema: true, body: 1, strict: true })).body.fields).toEqual({ strict: "Unknown field." });
  });

  it("[G6] is not found for another account", async () => {
    const bob = await server.createPerson(`Bob${count}`);
    const answer = await bob.call("POST", `${path()}/schema-check`, { body: { schema: true, body: 1 } });
    expect([answer.status, answer.body.code]).toEqual([404, "not_found"]);
  });
});
