/** Tests changes of fields in several records: of all that match (G40), and of named ones with their versions (G41). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type ManageServer, type Person, startManageServer } from "../../../support/servers/manage-server";

let server: ManageServer;
let ada: Person;
let endpointId: string;
let count = 0;

beforeAll(async () => {
  server = await startManageServer({ bodyBytesMax: 16 * 1024 });
});
afterAll(() => server.stop());
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  endpointId = (await ada.call("POST", "/api/manage/start", { body: { name: "Orders" } })).body.endpoint.id;
});

const json = (text: string) => ({ raw: { contentType: "application/json", bytes: text } });
const records = (rest = "") => `/api/manage/endpoints/${endpointId}/records${rest}`;
const post = async (body: string) => (await ada.call("POST", records(), json(body))).body.uniqueId as string;
const read = (id: string) => ada.call("GET", records(`/${id}`));
const update = (body: object) => ada.call("POST", records("/update"), { body });
const preview = (body: object) => ada.call("POST", records("/update/preview"), { body });
const edit = (body: object) => ada.call("POST", records("/edit"), { body });
const logged = async () =>
  (await ada.call("GET", `/api/manage/endpoints/${endpointId}/changes?limit=500`)).body.changes as { type: string; seq: number }[];
const setSchema = (schema: object) => ada.call("PATCH", `/api/manage/endpoints/${endpointId}`, { body: { schema } });

/** Sends batches until the last one, and adds up what they did. */
async function updateAll(body: object) {
  const total = { updated: 0, unchanged: 0, failed: [] as { uniqueId: string; error: { code: string } }[], batches: 0 };
  let cursor: string | undefined;
  do {
    const { status, body: done } = await update({ ...body, ...(cursor === undefined ? {} : { cursor }) });
    expect(status).toBe(200);
    total.updated += done.updated;
    total.unchanged += done.unchanged;
    total.failed.push(...done.failed);
    total.batches += 1;
    cursor = done.next ?? undefined;
  } while (cursor !== undefined);
  return total;
}

describe("changing all records that match", () => {
  it("[G40] sets a field in batches, each record as a change of the log, and keeps digits and order", async () => {
    for (let number = 0; number < 5; number += 1) await post(`{"price":1.10,"status":"open","n":${number}}`);
    const other = await post('{"price":1.10,"status":"held"}');
    const before = server.notifications.length;
    const done = await updateAll({ changes: [{ field: "status", value: "done" }], filter: ['status = "open"'], limit: 2 });
    expect(done).toEqual({ updated: 5, unchanged: 0, failed: [], batches: 3 });
    const { text, body } = await ada.call("GET", records("?order=created"));
    expect(text).toContain('"data":{"price":1.10,"status":"done","n":0}');
    expect(body.records.map(({ version }: { version: number }) => version)).toEqual([2, 2, 2, 2, 2, 1]);
    expect((await read(other)).body.data.status).toBe("held");
    expect((await logged()).filter(({ type }) => type === "PUT")).toHaveLength(5);
    expect(server.notifications.slice(before).flatMap((each) => ("changes" in each ? each.changes : []))).toHaveLength(5);
  });

  it("[G40] keeps the digits of the value, removes fields, and reaches fields in objects", async () => {
    const id = await post('{"a":{"b":1},"c":2}');
    const body =
      '{"changes":[{"field":"a.b","value":12345678901234567890.10},{"field":"c","remove":true},{"field":"[\\"odd key\\"]","value":null}]}';
    expect((await ada.call("POST", records("/update"), json(body))).body).toMatchObject({ updated: 1, next: null });
    expect((await read(id)).text).toContain('"data":{"a":{"b":12345678901234567890.10},"odd key":null}');
  });

  it("[G40] does not write records that have the value already", async () => {
    await post('{"status":"done"}');
    expect(await updateAll({ changes: [{ field: "status", value: "done" }] })).toMatchObject({ updated: 0, unchanged: 1 });
    expect(await logged()).toHaveLength(1);
  });

  it("[G40] leaves out records that are created after the first batch", async () => {
    for (let number = 0; number < 3; number += 1) await post('{"status":"open"}');
    const first = await update({ changes: [{ field: "status", value: "done" }], limit: 2 });
    const late = await post('{"status":"open"}');
    const second = await update({ changes: [{ field: "status", value: "done" }], limit: 2, cursor: first.body.next });
    expect(second.body).toMatchObject({ updated: 1, next: null });
    expect((await read(late)).body.data).toEqual({ status: "open" });
  });

  it("[G40] [R10] lists the records that the schema or their form excludes, and changes the others", async () => {
    const fine = await post('{"age":1}');
    const list = await post("[1]");
    const text = (await ada.call("POST", records(), { raw: { contentType: "text/plain", bytes: "a text" } })).body.uniqueId;
    const short = await post('{"age":2,"name":5}');
    await setSchema({ type: "object", properties: { name: { type: "string" } } });
    const done = await updateAll({ changes: [{ field: "age", value: 3 }] });
    expect(done.updated).toBe(1);
    expect((await read(fine)).body.data).toEqual({ age: 3 });
    expect(new Map(done.failed.map(({ uniqueId, error }) => [uniqueId, error.code]))).toEqual(
      new Map([
        [list, "merge_needs_objects"],
        [text, "merge_needs_objects"],
        [short, "schema_mismatch"],
      ]),
    );
    expect(done.failed.find(({ uniqueId }) => uniqueId === short)?.error).toMatchObject({ fields: { "/name": expect.any(String) } });
  });

  it("[G40] a record that grows beyond the limit is not changed", async () => {
    const id = await post(`{"a":"${"x".repeat(10_000)}"}`);
    const done = await updateAll({ changes: [{ field: "b", value: "y".repeat(10_000) }] });
    expect(done.failed).toMatchObject([{ uniqueId: id, error: { code: "body_too_large" } }]);
  });

  it("[G40] preview counts what matches, and shows the first records before and after, without a change", async () => {
    for (let number = 0; number < 12; number += 1) await post(`{"n":${number},"price":1.10}`);
    const answer = await preview({ changes: [{ field: "done", value: true }], filter: ["n < 11"] });
    expect(answer.body.matching).toBe(11);
    expect(answer.body.first).toHaveLength(10);
    expect(answer.text).toContain('"before":{"n":0,"price":1.10},"after":{"n":0,"price":1.10,"done":true},"error":null');
    expect((await logged()).every(({ type }) => type === "POST")).toBe(true);
    await setSchema({ type: "object", properties: { done: { type: "string" } } });
    expect((await preview({ changes: [{ field: "done", value: true }] })).body.first[0]).toMatchObject({
      error: { code: "schema_mismatch" },
    });
  });

  it("[G40] names the records to change by id, or by a search", async () => {
    const [one, two] = [await post('{"name":"Ada"}'), await post('{"name":"Bob"}')];
    expect(await updateAll({ changes: [{ field: "x", value: 1 }], uniqueIds: [one] })).toMatchObject({ updated: 1 });
    expect(await updateAll({ changes: [{ field: "x", value: 2 }], search: "bob" })).toMatchObject({ updated: 1 });
    expect([(await read(one)).body.data, (await read(two)).body.data]).toEqual([
      { name: "Ada", x: 1 },
      { name: "Bob", x: 2 },
    ]);
  });

  it("[G40] [L4] changes users through the rules of users, and never their passwords", async () => {
    const project = (await ada.call("GET", `/api/manage/endpoints/${endpointId}`)).body.projectId;
    const people = await ada.call("POST", `/api/manage/projects/${project}/endpoints`, {
      body: { name: "people", kind: "authentication" },
    });
    endpointId = people.body.id;
    const id = await post('{"username":"ada","password":"open sesame"}');
    await post('{"username":"bob","password":"open sesame"}');
    expect(await updateAll({ changes: [{ field: "roles", value: ["admin"] }], filter: ["username = ada"] })).toMatchObject({ updated: 1 });
    expect((await read(id)).body.data).toEqual({ username: "ada", roles: ["admin"] });
    expect((await updateAll({ changes: [{ field: "username", value: "bob" }], filter: ["username = ada"] })).failed).toMatchObject([
      { uniqueId: id, error: { code: "username_taken" } },
    ]);
    expect((await update({ changes: [{ field: "password", value: "12345678" }] })).body).toMatchObject({
      code: "fields_invalid",
      fields: { "changes.0.field": expect.any(String) },
    });
  });

  it.each([
    ["no changes", { changes: [] }, "changes"],
    ["neither value nor remove", { changes: [{ field: "a" }] }, "changes.0"],
    ["value and remove", { changes: [{ field: "a", value: 1, remove: true }] }, "changes.0"],
    ["a broken path", { changes: [{ field: "a..b", value: 1 }] }, "changes.0.field"],
    ["the whole data removed", { changes: [{ field: "$", remove: true }] }, "changes.0.field"],
    ["a NUL character", { changes: [{ field: "a", value: "\0" }] }, "changes.0.value"],
    ["a wrong filter", { changes: [{ field: "a", value: 1 }], filter: ["a >>"] }, "filter"],
    ["a wrong cursor", { changes: [{ field: "a", value: 1 }], cursor: "x" }, "cursor"],
    ["a large batch", { changes: [{ field: "a", value: 1 }], limit: 201 }, "limit"],
    ["an unknown field", { changes: [{ field: "a", value: 1 }], everything: true }, "everything"],
  ])("[G40] refuses %s, and names the field", async (_, body, field) => {
    await post('{"a":1}');
    expect(await update(body)).toMatchObject({ status: 400, body: { code: "fields_invalid", fields: { [field]: expect.any(String) } } });
    expect(await logged()).toHaveLength(1);
  });
});

describe("changing named records", () => {
  it("[G41] changes each record that has its version, and reports the others with their current state", async () => {
    const [one, two, gone] = [await post('{"a":1.10,"b":1}'), await post('{"a":1}'), await post('{"a":1}')];
    await ada.call("PUT", records(`/${two}`), json('{"a":"theirs"}'));
    await ada.call("DELETE", records(`/${gone}`));
    const changes = [{ field: "b", value: 2 }];
    const answer = await edit({ records: [one, two, gone].map((uniqueId) => ({ uniqueId, version: 1, changes })) });
    expect(answer).toMatchObject({
      status: 200,
      body: {
        results: [
          { uniqueId: one, outcome: "updated", record: { version: 2, data: { a: 1.1, b: 2 } }, error: null },
          { uniqueId: two, outcome: "failed", record: { version: 2, data: { a: "theirs" } }, error: { code: "version_conflict" } },
          { uniqueId: gone, outcome: "failed", record: null, error: { code: "record_not_found" } },
        ],
      },
    });
    expect(answer.text).toContain('"data":{"a":1.10,"b":2}');
    expect((await read(two)).body.data).toEqual({ a: "theirs" });
  });

  it("[G41] [R10] a record that the schema excludes does not keep the others from being changed", async () => {
    const [one, two] = [await post('{"a":1}'), await post('{"a":1}')];
    await setSchema({ type: "object", properties: { a: { type: "integer" } } });
    const { body } = await edit({
      records: [
        { uniqueId: one, version: 1, changes: [{ field: "a", value: "text" }] },
        { uniqueId: two, version: 1, changes: [{ field: "a", value: 2 }] },
      ],
    });
    expect(body.results).toMatchObject([
      { outcome: "failed", error: { code: "schema_mismatch", fields: { "/a": expect.any(String) } } },
      { outcome: "updated" },
    ]);
  });

  it("[G41] refuses a record that is listed twice", async () => {
    const one = await post('{"a":1}');
    const each = { uniqueId: one, version: 1, changes: [{ field: "a", value: 2 }] };
    expect(await edit({ records: [each, each] })).toMatchObject({
      status: 400,
      body: { code: "fields_invalid", fields: { "records.1.uniqueId": expect.any(String) } },
    });
  });
});
