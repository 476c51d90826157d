/** Tests reading a file: whole, in ranges, conditionally, and by whom (F2). */
import { createHash, randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ErrorCode } from "@/src/shared/errors";
import { FORM_TYPE, filePart, toForm } from "@/tests/support/clients/form";
import { createUser } from "@/tests/support/clients/users";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";

const BYTES = randomBytes(200_000);
const TAG = `"${createHash("sha256").update(BYTES).digest("hex")}"`;

let server: DataServer;
let seed: Seed;

beforeAll(async () => {
  server = await createDataServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  seed = await server.seed();
});

async function upload(bytes: string | Uint8Array, as: { filename?: string; type?: string } = {}, headers: Record<string, string> = {}) {
  const answer = await fetch(`${server.origin}${seed.path}`, {
    method: "POST",
    headers: { "Content-Type": FORM_TYPE, ...headers },
    body: toForm([filePart(bytes, as)]),
  });
  expect(answer.status).toBe(201);
  const record: { uniqueId: string } = await answer.json();
  return record.uniqueId;
}

interface Get {
  method?: string;
  query?: string;
  headers?: Record<string, string>;
}

const get = (id: string, { method = "GET", query = "&fileOnly=true", headers = {} }: Get = {}): Promise<Response> =>
  fetch(`${server.origin}${seed.path}&uniqueId=${id}${query}`, { method, headers });

const bytesOf = async (answer: Response): Promise<Buffer> => Buffer.from(await answer.arrayBuffer());

describe("the whole file", () => {
  it("[F2] is returned as it was sent, with its description", async () => {
    const answer = await get(await upload(BYTES, { filename: "photo.png", type: "image/png" }));
    expect(answer.status).toBe(200);
    expect((await bytesOf(answer)).equals(BYTES)).toBe(true);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "image/png",
      "content-length": "200000",
      "content-disposition": 'inline; filename="photo.png"',
      "content-security-policy": expect.stringContaining("sandbox"),
      "cross-origin-resource-policy": "cross-origin",
      "x-content-type-options": "nosniff",
      "accept-ranges": "bytes",
      "cache-control": "private, no-cache, no-transform",
      etag: TAG,
    });
  });

  it("[F2] may be empty", async () => {
    const answer = await get(await upload(""));
    expect([answer.status, answer.headers.get("content-length"), await answer.text()]).toEqual([200, "0", ""]);
  });

  it("[F2] is described by HEAD, without a byte", async () => {
    const id = await upload(BYTES);
    const answer = await get(id, { method: "HEAD" });
    expect([answer.status, answer.headers.get("content-length"), answer.headers.get("etag")]).toEqual([200, "200000", TAG]);
    expect(await answer.text()).toBe("");
    const part = await get(id, { method: "HEAD", headers: { Range: "bytes=0-9" } });
    expect([part.status, part.headers.get("content-length"), part.headers.get("content-range")]).toEqual([206, "10", "bytes 0-9/200000"]);
  });

  it.each([
    ["../../etc/passwd", 'attachment; filename="passwd"'],
    ["C:\\\\temp\\\\report.bin", 'attachment; filename="report.bin"'],
    ["Größe 1€.bin", "attachment; filename=\"Gro_e 1_.bin\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%201%E2%82%AC.bin"],
    ["café.bin", "attachment; filename=\"cafe.bin\"; filename*=UTF-8''caf%C3%A9.bin"],
    ["a;b=c\u202egnp.bin", 'attachment; filename="a;b=cgnp.bin"'],
    ["a%22b.bin", "attachment; filename=\"a_b.bin\"; filename*=UTF-8''a%22b.bin"],
    ["a%41b.bin", "attachment; filename=\"a_41b.bin\"; filename*=UTF-8''a%2541b.bin"],
    ["it's.bin", 'attachment; filename="it\'s.bin"'],
    ["..", 'attachment; filename="file"'],
  ])("[F2] named %j gets a safe name", async (filename, disposition) => {
    const answer = await get(await upload("x", { filename, type: "application/octet-stream" }));
    expect(answer.headers.get("content-disposition")).toBe(disposition);
  });

  it.each([
    ["text/html", "attachment"],
    ["image/svg+xml", "attachment"],
    ["application/xhtml+xml", "attachment"],
    ["application/pdf", "attachment"],
    ["text/javascript", "attachment"],
    ["text/plain", "inline"],
    ["image/webp", "inline"],
    ["video/mp4", "inline"],
  ])("[F2] of type %s is %s: nothing is executed in our origin", async (type, shown) => {
    const answer = await get(await upload("<script>alert(1)</script>", { filename: "x", type }));
    expect(answer.headers.get("content-disposition")).toBe(`${shown}; filename="x"`);
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect(answer.headers.get("content-security-policy")).toMatch(/^sandbox;/);
  });
});

describe("a range", () => {
  it.each([
    ["bytes=0-0", 0, 0],
    ["bytes=100-199", 100, 199],
    ["bytes=199990-", 199_990, 199_999],
    ["bytes=-10", 199_990, 199_999],
    ["bytes=0-999999", 0, 199_999],
    ["bytes=-999999", 0, 199_999],
    ["bytes=10-19, 20-29", 10, 29],
  ])("[F2] %s is 206", async (range, start, end) => {
    const id = await upload(BYTES);
    for (const query of ["&fileOnly=true", "&stream=true", "&fileOnly=true&stream=true"]) {
      const answer = await get(id, { query, headers: { Range: range } });
      expect(answer.status).toBe(206);
      expect(answer.headers.get("content-range")).toBe(`bytes ${start}-${end}/200000`);
      expect(answer.headers.get("content-length")).toBe(String(end - start + 1));
      expect((await bytesOf(answer)).equals(BYTES.subarray(start, end + 1))).toBe(true);
    }
  });

  it.each(["bytes=0-1,5-6", "lines=1-2", "bytes=abc", "bytes"])("[F2] %j returns the whole file", async (range) => {
    const answer = await get(await upload(BYTES), { headers: { Range: range } });
    expect([answer.status, answer.headers.get("content-range")]).toEqual([200, null]);
    expect((await bytesOf(answer)).equals(BYTES)).toBe(true);
  });

  it.each([
    ["bytes=200000-", BYTES],
    ["bytes=0-", ""],
  ])("[F2] %s beyond the end is refused with the size", async (range, bytes) => {
    const answer = await get(await upload(bytes), { headers: { Range: range } });
    expect(answer.headers.get("content-range")).toBe(`bytes */${bytes.length}`);
    await expectProblem(answer, "range_not_satisfiable");
  });

  it("[F2] applies only while the file is the same", async () => {
    const id = await upload(BYTES);
    const same = await get(id, { headers: { Range: "bytes=0-9", "If-Range": TAG } });
    expect([same.status, (await bytesOf(same)).length]).toEqual([206, 10]);
    for (const other of ['"other"', `W/${TAG}`, "Wed, 21 Oct 2026 07:28:00 GMT"]) {
      const whole = await get(id, { headers: { Range: "bytes=0-9", "If-Range": other } });
      expect([whole.status, (await bytesOf(whole)).length]).toEqual([200, 200_000]);
    }
  });
});

describe("a file that the client already has", () => {
  it.each([TAG, `W/${TAG}`, `"other", ${TAG}`, "*"])("[F2] is not sent again: If-None-Match: %s", async (tag) => {
    const answer = await get(await upload(BYTES), { headers: { "If-None-Match": tag, Range: "bytes=0-9" } });
    expect([answer.status, answer.headers.get("etag"), await answer.text()]).toEqual([304, TAG, ""]);
    expect(answer.headers.get("cache-control")).toBe("private, no-cache, no-transform");
  });

  it("[F2] is sent if it has changed", async () => {
    const answer = await get(await upload(BYTES), { headers: { "If-None-Match": '"other"' } });
    expect([answer.status, (await bytesOf(answer)).length]).toEqual([200, 200_000]);
  });
});

describe("[F2] Cross-Origin-Resource-Policy", () => {
  it.each([
    [false, [], "cross-origin"],
    [false, ["https://app.example"], "cross-origin"],
    [true, [], "same-origin"],
    [true, ["https://app.example"], "cross-origin"],
  ])("secure: %s, origins: %j: %s", async (secure, allowedOrigins, policy) => {
    seed = await server.seed({ secure, allowedOrigins, masterKey: "the-master-key" });
    const headers = { "X-Master-Key": "the-master-key" };
    const answer = await get(await upload("x", {}, headers), { headers });
    expect(answer.headers.get("cross-origin-resource-policy")).toBe(policy);
  });
});

describe("a record that is not a file", () => {
  it.each<[string, string, ErrorCode]>([
    ["&fileOnly=true", "", "unique_id_missing"],
    ["&fileOnly=true", "&uniqueId=", "unique_id_missing"],
    ["&fileOnly=true", "&uniqueId=nonsense", "unique_id_invalid"],
    ["&fileOnly=true", `&uniqueId=${"0".repeat(32)}`, "record_not_found"],
    ["&fileOnly=true", `&uniqueId=${"0".repeat(32)},${"1".repeat(32)}`, "parameter_invalid"],
    ["&fileOnly=maybe", `&uniqueId=${"0".repeat(32)}`, "parameter_invalid"],
    ["&stream=maybe", `&uniqueId=${"0".repeat(32)}`, "parameter_invalid"],
  ])("[F2] %s%s is refused", async (what, id, code) => {
    await expectProblem(await fetch(`${server.origin}${seed.path}${what}${id}`), code);
  });

  it("[F2] a record of JSON is not_a_file", async () => {
    const body = { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" };
    const { uniqueId } = await (await fetch(`${server.origin}${seed.path}`, body)).json();
    await expectProblem(await get(uniqueId), "not_a_file");
  });

  it("[F2] another endpoint's file is not found", async () => {
    const id = await upload("x");
    seed = await server.seed();
    await expectProblem(await get(id), "record_not_found");
  });

  it("[F2] without fileOnly the record is returned, and stream has no effect on a list", async () => {
    const id = await upload("hello");
    const [record] = await (await get(id, { query: "" })).json();
    expect(record).toMatchObject({ uniqueId: id, data: { file: { size: 5 } } });
    expect(await (await fetch(`${server.origin}${seed.path}&stream=true`)).json()).toEqual([record]);
  });

  it("[F2] a file whose bytes are missing is storage_unavailable, and is logged", async () => {
    const id = await upload("hello");
    const { rows } = await server.pool.query<{ key: string }>(`SELECT wire_id(id) AS key FROM "StoredFile" WHERE "recordId" = $1`, [id]);
    const key = rows[0]?.key ?? "";
    await rm(path.join(server.folder.dir, key.slice(-2), key.slice(-4, -2), key));
    await expectProblem(await get(id), "storage_unavailable");
    expect(server.logged.join("\n")).toContain("a file is missing from the file storage");
    expect((await get(id, { method: "HEAD" })).status).toBe(200);
  });
});

describe("[F2] [S2] the file of a secure endpoint's record", () => {
  it.each([
    [false, 403],
    [true, 200],
  ])("can be read by its owner, and by others if they may read: %s", async (othersCanRead, status) => {
    const people = await server.seed({ kind: "authentication", masterKey: "the-master-key" });
    const [ann, bob] = [
      await createUser({ origin: server.origin, path: people.path }),
      await createUser({ origin: server.origin, path: people.path }),
    ];
    const endpoint = await server.pool.query<{ id: string }>(
      `INSERT INTO "Endpoint" (id, "projectId", name, secure, "othersCanRead") VALUES (gen_random_uuid(), $1, 'photos/of-people', true, $2) RETURNING id`,
      [people.projectId, othersCanRead],
    );
    seed = { ...people, endpointId: endpoint.rows[0]?.id ?? "", path: `/api/1/ce/photos/of-people?key=${people.key}` };
    server.definitions.invalidate(people.projectId);
    const id = await upload("mine", {}, ann.headers);
    expect(await (await get(id, { headers: ann.headers })).text()).toBe("mine");
    expect(await (await get(id, { headers: { "X-Master-Key": "the-master-key" } })).text()).toBe("mine");
    const other = await get(id, { headers: bob.headers });
    expect(other.status).toBe(status);
    if (status === 403) await expectProblem(other, "access_denied");
    await expectProblem(await get(id), "access_token_missing");
  });
});

describe("[F2] a public cache", () => {
  const setCache = async (seconds: number) => {
    await server.pool.query(`UPDATE "Endpoint" SET "fileCacheSeconds" = $2 WHERE id = $1`, [seed.endpointId, seconds]);
    await server.definitions.checkRevisions();
  };
  const MASTER = { "X-Master-Key": "the-master-key" };

  it("may keep files if the endpoint's owner allows it, and nothing else", async () => {
    const id = await upload(BYTES);
    expect((await get(id)).headers.get("cache-control")).toBe("private, no-cache, no-transform");
    await setCache(3600);
    for (const init of [{}, { method: "HEAD" }, { headers: { Range: "bytes=0-9" } }, { headers: { "If-None-Match": TAG } }])
      expect((await get(id, init)).headers.get("cache-control")).toBe("public, max-age=3600, no-transform");
    const others = [await get(id, { query: "" }), await get(id, { headers: { Range: "bytes=999999-" } }), await get("0".repeat(32))];
    for (const answer of others) expect(answer.headers.get("cache-control")).toBe("no-store, no-transform");
    await setCache(0);
    expect((await get(id)).headers.get("cache-control")).toBe("private, no-cache, no-transform");
  });

  it("may not keep files that need a user, the master key or a file token", async () => {
    seed = await server.seed({ secure: true, masterKey: "the-master-key" });
    const id = await upload("x", {}, MASTER);
    await setCache(3600);
    expect((await get(id, { headers: MASTER })).headers.get("cache-control")).toBe("private, no-cache, no-transform");
    await server.pool.query(`UPDATE "Endpoint" SET secure = false WHERE id = $1`, [seed.endpointId]);
    await server.definitions.checkRevisions();
    expect((await get(id)).headers.get("cache-control")).toBe("public, max-age=3600, no-transform");
    expect((await get(id, { headers: MASTER })).headers.get("cache-control")).toBe("private, no-cache, no-transform");
    const shared = await fetch(`${server.origin}${seed.path}&uniqueId=${id}&fileToken=true`, { method: "POST" });
    const { url }: { url: string } = await shared.json();
    expect((await fetch(url)).headers.get("cache-control")).toBe("private, no-cache, no-transform");
  });

  it.each([
    ["rules", '{"read":"true"}'],
    ["accessFunction", "() => true"],
  ])("[S7] [S8] may not keep files of an endpoint with %s, which decide for each caller", async (column, value) => {
    const id = await upload("x");
    await setCache(3600);
    expect((await get(id)).headers.get("cache-control")).toBe("public, max-age=3600, no-transform");
    const type = column === "rules" ? "json" : "text";
    await server.pool.query(`UPDATE "Endpoint" SET "${column}" = $2::${type} WHERE id = $1`, [seed.endpointId, value]);
    await server.definitions.checkRevisions();
    const answer = await get(id);
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "private, no-cache, no-transform"]);
  });

  it("may not keep files that were requested with the key in a header: their URL would work without a key", async () => {
    const id = await upload("x");
    await setCache(3600);
    const [path = ""] = seed.path.split("?");
    const answer = await fetch(`${server.origin}${path}?uniqueId=${id}&fileOnly=true`, { headers: { "X-API-Key": seed.key } });
    expect(await answer.text()).toBe("x");
    expect(answer.headers.get("cache-control")).toBe("private, no-cache, no-transform");
  });
});
