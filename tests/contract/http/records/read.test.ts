/** Tests GET and HEAD: lists, single records, streaming (R3, R12). */
import http, { type IncomingMessage } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { UNIQUE_IDS_MAX } from "@/src/shared/streams/protocol";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";

interface WireRecord {
  uniqueId: string;
  data: unknown;
}

const UNKNOWN_ID = "0".repeat(32);

let server: DataServer;
let seed: Seed;

beforeAll(async () => {
  server = await createDataServer();
});
beforeEach(async () => {
  seed = await server.seed();
});
afterAll(() => server.close());

const get = (query = "", init: RequestInit = {}): Promise<Response> => fetch(`${server.origin}${seed.path}${query}`, init);

async function create(data: unknown): Promise<WireRecord> {
  const response = await get("", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(data) });
  return response.json() as Promise<WireRecord>;
}

/** Creates many records without a request for each. */
async function createMany(count: number, dataSql: string): Promise<void> {
  await server.pool.query(
    `INSERT INTO "Record" ("id", "endpointId", "data") SELECT gen_random_uuid(), $1, (${dataSql})::json FROM generate_series(1, $2) AS n`,
    [seed.endpointId, count],
  );
}

describe("GET", () => {
  it("[R3] returns an empty array if there are no records", async () => {
    const response = await get();
    expect([response.status, await response.text(), response.headers.get("content-length")]).toEqual([200, "[]", "2"]);
    expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-store, no-transform");
  });

  it("[R3] returns the records of only this endpoint, in creation order, updated ones in place", async () => {
    const other = await server.seed();
    await fetch(`${server.origin}${other.path}`, { method: "POST", headers: { "Content-Type": "text/plain" }, body: "other" });
    const created: WireRecord[] = [];
    for (const data of ["first", "second", "third"]) created.push(await create(data));
    await get(`&uniqueId=${created[0]?.uniqueId}`, {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: '"first again"',
    });
    const listed = (await (await get()).json()) as WireRecord[];
    expect(listed.map(({ uniqueId }) => uniqueId)).toEqual(created.map(({ uniqueId }) => uniqueId));
    expect(await (await get("&dataOnly=true")).json()).toEqual(["first again", "second", "third"]);
  });

  it("[R3] returns the given records, repeated or comma-separated, in creation order, each once", async () => {
    const [a, b, c] = [await create("a"), await create("b"), await create("c")];
    const expected = [a.data, c.data];
    for (const query of [
      `&uniqueId=${c.uniqueId}&uniqueId=${a.uniqueId}`,
      `&uniqueId=${c.uniqueId},${a.uniqueId}`,
      `&uniqueId=${c.uniqueId}%2C${a.uniqueId}%2C&uniqueId=${c.uniqueId}`,
      `&uniqueId=${c.uniqueId},${UNKNOWN_ID},${a.uniqueId}`,
    ]) {
      expect(await (await get(`${query}&dataOnly=true`)).json()).toEqual(expected);
    }
    expect(await (await get(`&uniqueId=${b.uniqueId}`)).json()).toEqual([b]);
  });

  it("[R3] omits unknown records, and those of another endpoint", async () => {
    const { uniqueId } = await create("mine");
    const other = await server.seed();
    expect(await (await get(`&uniqueId=${UNKNOWN_ID}`)).text()).toBe("[]");
    expect(await (await fetch(`${server.origin}${other.path}&uniqueId=${uniqueId}`)).text()).toBe("[]");
  });

  it.each([
    ["capitals", `&uniqueId=${"A".repeat(32)}`, "unique_id_invalid"],
    ["dashes", "&uniqueId=01890000-0000-7000-8000-000000000000", "unique_id_invalid"],
    ["31 digits", `&uniqueId=${"a".repeat(31)}`, "unique_id_invalid"],
    ["one of several", `&uniqueId=${UNKNOWN_ID},x`, "unique_id_invalid"],
    ["an empty one", "&uniqueId=", "unique_id_invalid"],
    ["commas alone", "&uniqueId=,,", "unique_id_invalid"],
    ["a NUL character", `&uniqueId=${"a".repeat(31)}%00`, "unique_id_invalid"],
  ] as const)("[R3] refuses %s", async (_what, query, code) => {
    await expectProblem(await get(query), code);
  });

  it("[R3] accepts up to the maximum number of uniqueIds", async () => {
    const ids = Array.from({ length: UNIQUE_IDS_MAX }, (_, index) => index.toString(16).padStart(32, "0"));
    expect(await (await get(`&uniqueId=${ids.join(",")}`)).text()).toBe("[]");
    expect(await (await get(ids.map((id) => `&uniqueId=${id}`).join(""))).text()).toBe("[]");
    expect(await expectProblem(await get(`&uniqueId=${ids.join(",")},${"f".repeat(32)}`), "parameter_invalid")).toMatch(/1000/);
  });

  it("[U1] ignores unknown parameters", async () => {
    await create("a");
    expect(await (await get("&snapshot=x&strategy=nope&since=%00&bulk=x&dataOnly=true")).json()).toEqual(["a"]);
  });

  it("[R3] streams many records completely and in order", async () => {
    await createMany(2_500, `'{"n":' || n || ',"text":"' || repeat('x', 200) || '"}'`);
    const response = await get("&dataOnly=true");
    const listed = (await response.json()) as { n: number }[];
    expect(listed.map(({ n }) => n)).toEqual(Array.from({ length: 2_500 }, (_, index) => index + 1));
    expect(response.headers.get("content-length")).toBeNull();
    expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
  });

  it("[R3] survives clients that read nothing, or disconnect in the middle", async () => {
    await createMany(400, `'"' || repeat('x', 100000) || '"'`);
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => new Promise<IncomingMessage>((resolve) => http.get(`${server.origin}${seed.path}`, resolve))),
    );
    // These clients have not read; others still get responses.
    expect((await create("alive")).data).toBe("alive");
    for (const answer of answers) answer.destroy();
    const listed = (await (await get()).json()) as WireRecord[];
    expect(listed).toHaveLength(401);
  });
});

describe("HEAD", () => {
  it("[R12] responds as GET does, without a body", async () => {
    const { uniqueId } = await create({ a: 1 });
    for (const query of ["", `&uniqueId=${uniqueId}`]) {
      const [got, head] = [await get(query), await get(query, { method: "HEAD" })];
      expect(head.status).toBe(200);
      expect(await head.text()).toBe("");
      for (const name of ["content-type", "content-length", "cache-control", "vary"])
        expect(head.headers.get(name)).toBe(got.headers.get(name));
    }
  });

  it("[R12] responds with errors without a body", async () => {
    const response = await get("&uniqueId=x", { method: "HEAD" });
    expect([response.status, response.headers.get("content-type"), await response.text()]).toEqual([
      400,
      "application/problem+json; charset=utf-8",
      "",
    ]);
  });

  it("[R12] does not stream a long list", async () => {
    await createMany(2_500, `'"' || repeat('x', 200) || '"'`);
    const response = await get("", { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
    expect((await get("&uniqueId=x")).status).toBe(400);
  });
});
