/** Tests the owner's own writes, and the log of changes. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { sweepChanges } from "@/src/db/records/change-retention";
import { formatCursor } from "@/src/shared/streams/cursor";
import { readCursor } from "@/tests/support/clients/read-cursor";
import { type ManageServer, type Person, startManageServer } from "../../../support/servers/manage-server";

let server: ManageServer;
let ada: Person;
let endpointId: string;
let count = 0;

beforeAll(async () => {
  server = await startManageServer({ bodyBytesMax: 1024 });
});
afterAll(() => server.stop());
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  endpointId = (await ada.call("POST", "/api/manage/start", { body: { name: "Readings" } })).body.endpoint.id;
});

const json = (text: string) => ({ raw: { contentType: "application/json", bytes: text } });
const text = (value: string) => ({ raw: { contentType: "text/plain", bytes: value } });
const records = (uniqueId = "") => `/api/manage/endpoints/${endpointId}/records${uniqueId && `/${uniqueId}`}`;
const post = async (body: string) => (await ada.call("POST", records(), json(body))).body.uniqueId as string;
const changes = (query = "") => ada.call("GET", `/api/manage/endpoints/${endpointId}/changes${query}`);

describe("records", () => {
  it("[R2] POST stores any JSON as sent, including digits and key order, and responds with 201", async () => {
    const sent = '{"b":1.10,"a":12345678901234567890,"":[null,"é"]}';
    const answer = await ada.call("POST", records(), json(` ${sent}\n`));
    expect(answer).toMatchObject({ status: 201, body: { uniqueId: expect.stringMatching(/^[0-9a-f]{32}$/) } });
    expect(answer.text).toContain(`"data":${sent},`);
    expect(Object.keys(answer.body)).toEqual(["uniqueId", "data", "createdAt", "updatedAt"]);
  });

  it("[R2] POST stores a text as a string", async () => {
    expect(await ada.call("POST", records(), text("plain\n"))).toMatchObject({ status: 201, body: { data: "plain\n" } });
  });

  it("[W2] a write is published to subscribers after its commit, like one of the data plane", async () => {
    const before = server.notifications.length;
    await post("1");
    expect(server.notifications.slice(before)).toMatchObject([{ kind: "changes", changes: [{ endpointId, seq: 1, type: "POST" }] }]);
  });

  it("[R4] PUT replaces, merges, and keeps the type if requested", async () => {
    const id = await post('{"a":{"b":1},"c":2}');
    expect(await ada.call("PUT", `${records(id)}?strategy=merge`, json('{"a":{"d":3}}'))).toMatchObject({
      status: 200,
      body: { uniqueId: id, data: { a: { b: 1, d: 3 }, c: 2 } },
    });
    expect(await ada.call("PUT", `${records(id)}?strategy=replace`, text("x"))).toMatchObject({
      status: 400,
      body: { code: "type_mismatch" },
    });
    expect(await ada.call("PUT", `${records(id)}?strategy=merge`, json("[1]"))).toMatchObject({
      status: 400,
      body: { code: "merge_needs_objects" },
    });
    expect(await ada.call("PUT", records(id), text("x"))).toMatchObject({ status: 200, body: { data: "x" } });
    expect(await ada.call("PUT", `${records(id)}?strategy=clever`, json("1"))).toMatchObject({
      status: 400,
      body: { code: "parameter_invalid" },
    });
  });

  it("[R5] DELETE returns the last state of the record", async () => {
    const id = await post("[1]");
    expect(await ada.call("DELETE", records(id))).toMatchObject({ status: 200, body: { uniqueId: id, data: [1] } });
    expect(await ada.call("DELETE", records(id))).toMatchObject({ status: 404, body: { code: "record_not_found" } });
    expect(await ada.call("PUT", records(id), json("1"))).toMatchObject({ status: 404, body: { code: "record_not_found" } });
  });

  it.each([
    ["nothing", json(""), 400, "body_empty"],
    ["half an object", json("{"), 400, "body_invalid"],
    ["a NUL character", json('{"a":"\\u0000"}'), 400, "body_invalid"],
    ["too much", json(`"${"x".repeat(2000)}"`), 413, "body_too_large"],
    ["XML", { raw: { contentType: "application/xml", bytes: "<a/>" } }, 400, "content_type_unsupported"],
    ["no content type", {}, 400, "content_type_unsupported"],
  ])("[R2] POST refuses an invalid body as the data plane does: %s", async (_, call, status, code) => {
    expect(await ada.call("POST", records(), call)).toMatchObject({ status, body: { code } });
    expect((await changes()).body).toMatchObject({ changes: [], more: false });
  });

  it("[R5] refuses a malformed id", async () => {
    expect(await ada.call("DELETE", records("nothing"))).toMatchObject({ status: 400, body: { code: "unique_id_invalid" } });
  });

  it("[G6] does not reach the records of another endpoint", async () => {
    const id = await post("1");
    const other = (await ada.call("POST", "/api/manage/start", { body: { name: "Others" } })).body.endpoint.id;
    expect(await ada.call("DELETE", `/api/manage/endpoints/${other}/records/${id}`)).toMatchObject({
      status: 404,
      body: { code: "record_not_found" },
    });
  });
});

describe("the log", () => {
  it("returns changes newest first, with the record after each, digits as sent", async () => {
    const id = await post("1.50");
    await ada.call("PUT", records(id), json('{"b":1,"a":2.0}'));
    await ada.call("DELETE", records(id));
    const answer = await changes();
    expect(answer.status).toBe(200);
    expect(answer.body.more).toBe(false);
    expect(answer.body.changes).toEqual([
      {
        seq: 3,
        type: "DELETE",
        at: expect.any(String),
        version: 2,
        record: { uniqueId: id, data: { b: 1, a: 2 }, createdAt: expect.any(String), updatedAt: expect.any(String) },
      },
      {
        seq: 2,
        type: "PUT",
        at: expect.any(String),
        version: 2,
        record: { uniqueId: id, data: { b: 1, a: 2 }, createdAt: expect.any(String), updatedAt: expect.any(String) },
      },
      {
        seq: 1,
        type: "POST",
        at: expect.any(String),
        version: 1,
        record: { uniqueId: id, data: 1.5, createdAt: expect.any(String), updatedAt: expect.any(String) },
      },
    ]);
    expect(answer.text).toContain('"data":1.50,');
    expect(answer.text).toContain('"data":{"b":1,"a":2.0},');
  });

  it("[W9] returns the cursor from which a stream continues without a gap", async () => {
    const { epoch } = await server.runtime.db.endpoint.findUniqueOrThrow({ where: { id: endpointId } });
    expect((await changes()).body.cursor).toBe(formatCursor({ epoch, seq: 0 }));
    for (const value of ["1", "2"]) await post(value);
    const cursor = await readCursor(server.runtime.changes, endpointId);
    for (const query of ["?limit=1", "", "?before=2"]) expect((await changes(query)).body.cursor).toBe(cursor);
  });

  it("[W9] [G8] of an endpoint whose changes have all expired, returns the end of its log", async () => {
    for (const value of ["1", "2"]) await post(value);
    const { cursor } = (await changes()).body;
    await sweepChanges({ db: server.runtime.db, retention: { hours: 0, changesMax: 100 } });
    expect((await changes()).body).toEqual({ changes: [], more: false, cursor });
  });

  it("pages by `before` and `limit` without a gap", async () => {
    for (const value of ["1", "2", "3", "4", "5"]) await post(value);
    const seqs: number[] = [];
    let before = "";
    for (;;) {
      const page = (await changes(`?limit=2${before}`)).body;
      seqs.push(...page.changes.map((change: { seq: number }) => change.seq));
      if (!page.more) break;
      before = `&before=${seqs.at(-1)}`;
    }
    expect(seqs).toEqual([5, 4, 3, 2, 1]);
  });

  it("can be filtered by record", async () => {
    const id = await post("1");
    await post("2");
    await ada.call("PUT", records(id), json("3"));
    expect((await changes(`?recordId=${id}`)).body.changes.map((change: { seq: number }) => change.seq)).toEqual([3, 1]);
    expect((await changes(`?recordId=${id}&limit=1`)).body).toMatchObject({ more: true, changes: [{ seq: 3 }] });
    expect((await changes(`?recordId=${"0".repeat(32)}`)).body).toMatchObject({ changes: [], more: false });
  });

  it("limits the size of a page of large changes, but never to zero", async () => {
    const { records: store } = server.runtime;
    const big = (letter: string) => JSON.stringify(letter.repeat(3 * 1024 * 1024));
    for (const letter of ["a", "b", "c"]) {
      await store.commit(endpointId, [{ type: "POST", id: letter.repeat(32), contentType: "json", data: big(letter) }]);
    }
    const first = (await changes()).body;
    expect(first.changes.map((change: { seq: number }) => change.seq)).toEqual([3, 2]);
    expect(first.more).toBe(true);
    const second = (await changes("?before=2")).body;
    expect(second).toMatchObject({ more: false, changes: [{ seq: 1 }] });
  });

  it.each([
    ["?limit=0", "limit"],
    ["?limit=501", "limit"],
    ["?limit=1.5", "limit"],
    ["?limit=", "limit"],
    ["?before=0", "before"],
    ["?before=-1", "before"],
    ["?before=99999999999999999999", "before"],
    ["?recordId=x", "recordId"],
  ])("reports %s by the parameter's name", async (query, name) => {
    expect(await changes(query)).toMatchObject({
      status: 400,
      body: { code: "parameter_invalid", fields: { [name]: expect.any(String) } },
    });
  });
});
