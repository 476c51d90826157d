/** Tests that the description of the management API states exactly what the server checks of query parameters (G5). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { MANAGE_OPERATIONS } from "@/src/management/openapi/manage/document";
import type { JsonSchema } from "@/src/shared/openapi";
import { type Answer, type ManageServer, type Person, startManageServer } from "../../support/servers/manage-server";

let server: ManageServer;
let ada: Person;
/** Example values of the path parameters of each operation. */
let ids: Record<"project" | "endpoint" | "users" | "record" | "webhook", string>;

beforeAll(async () => {
  server = await startManageServer();
  ada = await server.createPerson("Ada");
  const { project, endpoint } = (await ada.call("POST", "/api/manage/start", { body: { name: "Readings" } })).body;
  const users = await ada.call("POST", `/api/manage/projects/${project.id}/endpoints`, {
    body: { name: "people", kind: "authentication" },
  });
  const record = await ada.call("POST", `/api/manage/endpoints/${endpoint.id}/records`, { body: { a: 1 } });
  const webhook = await server.runtime.db.webhook.create({
    data: { projectId: project.id, url: "https://203.0.113.7/", secret: Buffer.from("sealed"), state: "paused" },
  });
  ids = { project: project.id, endpoint: endpoint.id, users: users.body.id, record: record.body.uniqueId, webhook: webhook.id };
});
afterAll(() => server.stop());

const CASES = MANAGE_OPERATIONS.flatMap(({ id, method, path, query = [] }) =>
  query.map(({ name, schema }) => ({ id, method, path, name, schema, needsFormat: name !== "format" && path.endsWith("/export") })),
);
type Case = (typeof CASES)[number];

const read = (schema: JsonSchema, keyword: string): unknown => (typeof schema === "object" ? schema[keyword] : undefined);
const toItem = (schema: JsonSchema): JsonSchema => z.parse(z.record(z.string(), z.unknown()), read(schema, "items") ?? schema);
const toNumber = (schema: JsonSchema, keyword: string): number | undefined => z.parse(z.optional(z.number()), read(schema, keyword));

/** Values that the schema excludes. */
function toInvalid(schema: JsonSchema): string[] {
  const type = read(schema, "type");
  if (type === "boolean") return ["", "1", "TRUE", "maybe"];
  if (type === "integer") {
    const { minimum = 0, maximum = Number.POSITIVE_INFINITY } = {
      minimum: toNumber(schema, "minimum"),
      maximum: toNumber(schema, "maximum"),
    };
    return ["", "x", "1.5", "-1", String(minimum - 1), `${maximum + 1}`];
  }
  const item = toItem(schema);
  const pattern = read(item, "pattern");
  const length = toNumber(item, "maxLength");
  const odd = ["", "x", "\0", "-1"].filter((text) => typeof pattern === "string" && !new RegExp(pattern).test(text));
  return [
    ...odd,
    ...(read(item, "minLength") === 1 ? [""] : []),
    ...(length === undefined ? [] : ["x".repeat(length + 1)]),
    ...(read(item, "enum") || read(item, "format") ? ["", "none"] : []),
  ];
}

/** Values at the limits of the schema. */
function toValid(schema: JsonSchema): string[] {
  if (read(schema, "type") === "boolean") return ["true", "false"];
  return [toNumber(schema, "minimum"), toNumber(schema, "maximum")].filter((bound) => bound !== undefined).map(String);
}

function ask({ method, path, name, needsFormat }: Case, values: readonly string[]): Promise<Answer> {
  const kind = path.startsWith("projects/")
    ? "project"
    : path.startsWith("webhooks/")
      ? "webhook"
      : path.endsWith("/users")
        ? "users"
        : "endpoint";
  const id = ids[kind];
  const target = path.replace("{id}", id).replace("{uniqueId}", ids.record);
  const parameters = new URLSearchParams([...(needsFormat ? [["format", "csv"]] : []), ...values.map((value) => [name, value])]);
  const sent = { post: { body: [1] }, put: { body: { a: 1 } } };
  return ada.call(method.toUpperCase(), `/api/manage/${target}?${parameters}`, method === "post" || method === "put" ? sent[method] : {});
}

describe("query parameters", () => {
  it.each(CASES)("[G5] [G6] $id rejects what the schema of $name excludes, and accepts its limits", async (each) => {
    for (const value of toInvalid(each.schema)) {
      const { status, body, text } = await ask(each, [value]);
      expect([status, body?.code], `${JSON.stringify(value.slice(0, 20))}: ${text}`).toEqual([400, "parameter_invalid"]);
    }
    for (const value of toValid(each.schema)) {
      const { status, text } = await ask(each, [value]);
      expect(status, `${value}: ${text}`).toBeLessThan(300);
    }
  });

  it.each(CASES.filter(({ schema }) => read(schema, "type") === "array"))(
    "[G5] $id takes as many of $name as the schema allows",
    async (each) => {
      const most = toNumber(each.schema, "maxItems") ?? 0;
      const value = each.name === "filter" ? "a = 1" : "0".repeat(32);
      const repeat = (count: number): string[] => Array.from({ length: count }, () => value);
      expect((await ask(each, repeat(most))).status).toBe(200);
      expect((await ask(each, repeat(most + 1))).body.code).toBe("parameter_invalid");
    },
  );

  it("[G5] every text has a described form, except opaque cursors and file names, which are labels", () => {
    const unbounded = CASES.filter(({ schema }) => {
      const item = toItem(schema);
      return read(item, "type") === "string" && ["maxLength", "pattern", "enum", "format"].every((keyword) => !read(item, keyword));
    });
    expect(unbounded.map(({ id, name }) => `${id} ${name}`)).toEqual([
      "listRecords cursor",
      "createFile name",
      "listWebhookDeliveries before",
    ]);
  });

  it("[G6] an empty search is ignored", async () => {
    const records = await ada.call("GET", `/api/manage/endpoints/${ids.endpoint}/records?search=`);
    expect(records.body.records).toContainEqual(expect.objectContaining({ uniqueId: ids.record }));
    expect((await ada.call("GET", `/api/manage/endpoints/${ids.users}/users?search=`)).status).toBe(200);
  });
});
