/** Tests storing and reading files of records by the endpoint's owner. */
import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readlinkSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readChunks } from "@/app/lib/manage/read-body";
import { createEndpointPurge } from "@/src/db/stores/purge-endpoints";
import { storeFile } from "@/src/management/files/files";
import { getRuntime } from "@/src/runtime/registry";
import { FILE_BYTES_MAX } from "@/src/shared/streams/protocol";
import { type Answer, type ManageServer, type Person, startManageServer } from "../../../support/servers/manage-server";

let server: ManageServer;
let ada: Person;
let endpointId: string;
let projectId: string;
let count = 0;

beforeAll(async () => {
  server = await startManageServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  const { body } = await ada.call("POST", "/api/manage/start", { body: { name: "Pictures" } });
  endpointId = body.endpoint.id;
  projectId = body.project.id;
});

const path = (part = "") => `/api/manage/endpoints/${endpointId}/files${part}`;
const send = (name: string, contentType: string, bytes: BodyInit): Promise<Answer> =>
  ada.call("POST", path(`?name=${encodeURIComponent(name)}`), { raw: { contentType, bytes } });
const countFiles = () => getRuntime().db.storedFile.count({ where: { record: { endpointId } } });
const countRecords = async () => (await ada.call("GET", `/api/manage/endpoints/${endpointId}/records`)).body.records.length;

/** The number of files in the test's folder that this process has open. -1 if the system does not report it. */
function countOpenFiles(): number {
  if (process.platform !== "linux") return -1;
  const targets = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return "";
    }
  });
  return targets.filter((target) => target.startsWith(server.folder.dir)).length;
}

describe("[F1] [G15] storing", () => {
  it("creates a record that describes the file, and streams it", async () => {
    const bytes = randomBytes(200_000);
    const before = server.notifications.length;
    const answer = await send("../Zeugnis für Ada.png", "image/png; x=y", bytes);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    expect(answer).toMatchObject({
      status: 201,
      body: { data: { file: { name: "Zeugnis für Ada.png", type: "image/png", size: 200_000, sha256 }, metadata: {} } },
    });
    expect(server.notifications.slice(before)).not.toEqual([]);
    const page = await ada.call("GET", `/api/manage/endpoints/${endpointId}/records`);
    expect(page.body.records).toMatchObject([{ uniqueId: answer.body.uniqueId, contentType: "file", owner: null }]);
  });

  it("[G15] HEAD has the headers of GET, and opens nothing", async () => {
    // More than one read: a file that was opened, but not read to its end, stays open.
    const { body } = await send("a.png", "image/png", randomBytes(1_000_000));
    const before = countOpenFiles();
    const heads = await Promise.all(Array.from({ length: 20 }, () => ada.call("HEAD", path(`/${body.uniqueId}`))));
    const { headers } = await ada.call("GET", path(`/${body.uniqueId}`));
    for (const head of heads) {
      expect(head).toMatchObject({ status: 200, text: "" });
      expect(head.headers.get("content-length")).toBe("1000000");
      expect(head.headers.get("etag")).toBe(headers.get("etag"));
    }
    expect(countOpenFiles()).toBe(before);
    expect((await ada.call("HEAD", path(`/${"0".repeat(32)}`))).status).toBe(404);
  });

  it.each(["GET", "HEAD"])("[G15] [F2] %s answers ranges and conditions as the data plane does", async (method) => {
    const { body } = await send("a.txt", "text/plain", "0123456789");
    const ask = async (headers: Record<string, string>) => {
      const answer = await ada.call(method, path(`/${body.uniqueId}`), { headers });
      const { status, text } = answer;
      return { status, text: method === "HEAD" ? undefined : text, read: (name: string) => answer.headers.get(name) };
    };
    const whole = await ask({});
    const tag = whole.read("etag") ?? "";
    expect([whole.status, whole.read("accept-ranges"), whole.read("cache-control")]).toEqual([
      200,
      "bytes",
      "private, no-cache, no-transform",
    ]);
    for (const [range, bytes, from] of [
      ["bytes=2-4", "234", "2-4"],
      ["bytes=7-", "789", "7-9"],
      ["bytes=-2", "89", "8-9"],
      ["bytes=-20", "0123456789", "0-9"],
    ] as const) {
      const part = await ask({ range, "if-range": tag });
      expect([part.status, part.read("content-range")]).toEqual([206, `bytes ${from}/10`]);
      expect(part.read("content-length")).toBe(String(bytes.length));
      if (method === "GET") expect(part.text).toBe(bytes);
    }
    for (const headers of [{ range: "bytes=0-1,4-5" }, { range: "lines=1-2" }, { range: "bytes=2-4", "if-range": '"other"' }])
      expect(await ask(headers)).toMatchObject({ status: 200, text: whole.text });
    const beyond = await ask({ range: "bytes=10-" });
    expect([beyond.status, beyond.read("content-range")]).toEqual([416, "bytes */10"]);
    for (const condition of [tag, `W/${tag}`, `"other", ${tag}`, "*"]) {
      const same = await ask({ "if-none-match": condition, range: "bytes=10-" });
      expect([same.status, same.text ?? "", same.read("etag")]).toEqual([304, "", tag]);
    }
    expect((await ask({ "if-none-match": '"other"' })).status).toBe(200);
  });

  it("accepts an empty file", async () => {
    const { body } = await send("empty.txt", "text/plain", "");
    expect(body.data.file).toMatchObject({ name: "empty.txt", size: 0 });
    expect(await ada.call("GET", path(`/${body.uniqueId}`))).toMatchObject({ status: 200, text: "" });
  });

  it("removes a file that is too large, incomplete, or too slow", async () => {
    const chunk = new Uint8Array(4 * 1024 * 1024);
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += chunk.byteLength;
        controller.enqueue(chunk);
      },
    });
    expect(await send("endless", "application/octet-stream", endless)).toMatchObject({ status: 413, body: { code: "file_too_large" } });
    expect(sent).toBeLessThan(FILE_BYTES_MAX + 4 * chunk.byteLength);
    const broken = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(chunk);
        controller.error(new Error("gone"));
      },
    });
    expect(await send("broken", "application/octet-stream", broken)).toMatchObject({ status: 400, body: { code: "request_invalid" } });
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(chunk) });
    const halfDuplex = { method: "POST", body, duplex: "half" };
    const silent = new Request("http://rested.test", halfDuplex);
    const { db, files, held } = getRuntime();
    const hold = held.bodies.hold([], 0);
    const file = { name: "silent", type: "", open: (signal: AbortSignal) => readChunks(silent, { signal, bytesMax: 1024 }) };
    const stored = storeFile({ db, files, ownerId: ada.id, endpointId, file, timeoutMs: 50, hold, authorizeAgain: async () => undefined });
    await expect(stored).rejects.toMatchObject({ code: "body_timeout" });
    expect(await countRecords()).toBe(0);
    expect(await getRuntime().db.storedFile.count({ where: { name: { in: ["endless", "broken", "silent"] } } })).toBe(0);
  });

  it("refuses files at an authentication endpoint, and at one of another account", async () => {
    const { projectId } = await getRuntime().db.endpoint.findUniqueOrThrow({ where: { id: endpointId } });
    const people = await getRuntime().db.endpoint.create({ data: { projectId, name: "people", kind: "authentication" } });
    const raw = { contentType: "image/png", bytes: "x" };
    expect(await ada.call("POST", `/api/manage/endpoints/${people.id}/files`, { raw })).toMatchObject({ body: { code: "upload_invalid" } });
    const eve = await server.createPerson(`Eve${count}`);
    expect(await eve.call("POST", path(), { raw })).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(await countFiles()).toBe(0);
  });
});

describe("[F2] [G15] reading", () => {
  it("returns the bytes with headers that let a browser show a picture, and execute nothing", async () => {
    const bytes = "not really a picture";
    const { uniqueId, data } = (await send("a b.png", "image/png", bytes)).body;
    const answer = await ada.call("GET", path(`/${uniqueId}`));
    expect(answer).toMatchObject({ status: 200, text: bytes });
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "image/png",
      "content-length": String(bytes.length),
      "content-disposition": 'inline; filename="a b.png"',
      "content-security-policy": expect.stringContaining("sandbox"),
      "x-content-type-options": "nosniff",
      etag: `"${data.file.sha256}"`,
      "cache-control": "private, no-cache, no-transform",
    });
  });

  it.each(["text/html", "image/svg+xml", "application/pdf", "text/xml", "nonsense"])("never displays %s in our origin", async (type) => {
    const { uniqueId } = (await send("x", type, "<script>alert(1)</script>")).body;
    const { headers } = await ada.call("GET", path(`/${uniqueId}`));
    expect(headers.get("content-disposition")).toMatch(/^attachment/);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  });

  it("refuses records that are not files, unknown ones, and those of another account", async () => {
    const posted = await ada.call("POST", `/api/manage/endpoints/${endpointId}/records`, { body: { a: 1 } });
    expect(await ada.call("GET", path(`/${posted.body.uniqueId}`))).toMatchObject({ status: 400, body: { code: "not_a_file" } });
    expect(await ada.call("GET", path(`/${"0".repeat(32)}`))).toMatchObject({ status: 404, body: { code: "record_not_found" } });
    expect(await ada.call("GET", path("/nothing"))).toMatchObject({ status: 400, body: { code: "unique_id_invalid" } });
    const { uniqueId } = (await send("a.png", "image/png", "secret")).body;
    const eve = await server.createPerson(`Eve${count}`);
    expect(await eve.call("GET", path(`/${uniqueId}`))).toMatchObject({ status: 404, body: { code: "not_found" } });
  });

  it("[F3] is deleted with its record", async () => {
    const { uniqueId } = (await send("a.png", "image/png", "x")).body;
    await ada.call("POST", `/api/manage/endpoints/${endpointId}/records/delete`, { body: { uniqueIds: [uniqueId] } });
    expect(await ada.call("GET", path(`/${uniqueId}`))).toMatchObject({ status: 404 });
    expect(await countFiles()).toBe(0);
  });

  it.each([
    ["its endpoint", () => `/api/manage/endpoints/${endpointId}`],
    ["its project", () => `/api/manage/projects/${projectId}`],
  ])("[F3] [G2] [G4] is deleted with %s, including its bytes", async (_what, address) => {
    const kept = await server.folder.list();
    await send("a.png", "image/png", "x");
    await send("b.png", "image/png", "y");
    expect(await server.folder.list()).toHaveLength(kept.length + 2);
    expect(await ada.call("DELETE", address())).toMatchObject({ status: 204 });
    expect(await createEndpointPurge({ db: getRuntime().db }).run()).toBe(true);
    await getRuntime().files.sweep();
    expect([await server.folder.list(), await getRuntime().db.storedFile.count({ where: { recordId: null } })]).toEqual([kept, 0]);
  });
});
