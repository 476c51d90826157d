/** Tests pages of lists: limit, cursor, order and Link (R3). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { PAGE_RECORDS_MAX } from "@/src/shared/streams/protocol";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";

const MASTER_KEY = "a-master-key";

let server: DataServer;
let seed: Seed;

beforeAll(async () => {
  server = await createDataServer();
});
beforeEach(async () => {
  seed = await server.seed({ masterKey: MASTER_KEY });
});
afterAll(() => server.close());

const get = (query = "", init: RequestInit = {}): Promise<Response> => fetch(`${server.origin}${seed.path}${query}`, init);

/** The numbers from `from` to `to` as records, in order. */
async function createMany(from: number, to: number): Promise<void> {
  const body = JSON.stringify(Array.from({ length: to - from + 1 }, (_, index) => from + index));
  const response = await get("&bulk=true", { method: "POST", headers: { "Content-Type": "application/json" }, body });
  expect(response.status).toBe(201);
}

/** The path and query of `rel="next"`. Undefined if there is none. */
function nextOf(response: Response): string | undefined {
  const link = response.headers.get("link");
  if (link === null) return undefined;
  const [, target] = /^<([^<>"\s]+)>; rel="next"$/.exec(link) ?? [];
  if (target === undefined) throw new Error(`No link to a next page: ${link}`);
  return target;
}

/** The pages from `query` on, following the links. `between` runs before each next page is requested. */
async function followPages(query: string, between: (page: number) => Promise<void> = async () => undefined): Promise<number[][]> {
  const pages: number[][] = [];
  let path: string | undefined = `${seed.path}${query}`;
  while (path !== undefined) {
    const response = await fetch(`${server.origin}${path}`);
    expect(response.status).toBe(200);
    pages.push((await response.json()) as number[]);
    path = nextOf(response);
    if (path !== undefined) await between(pages.length);
  }
  return pages;
}

const range = (from: number, to: number) =>
  Array.from({ length: Math.abs(to - from) + 1 }, (_, index) => from + Math.sign(to - from) * index);

describe("pages", () => {
  it("[R3] contains `limit` records, and a link to the next page, until the last one", async () => {
    await createMany(1, 7);
    expect(await followPages("&limit=3&dataOnly=true")).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
    expect(await followPages("&limit=3&dataOnly=true&order=asc")).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
    expect(await followPages("&limit=3&dataOnly=true&order=desc")).toEqual([[7, 6, 5], [4, 3, 2], [1]]);
    expect(await followPages("&limit=7&dataOnly=true")).toEqual([range(1, 7)]);
    expect(await followPages(`&limit=${PAGE_RECORDS_MAX}&dataOnly=true&order=desc`)).toEqual([range(7, 1)]);
    expect(await followPages("&limit=1&dataOnly=true")).toEqual(range(1, 7).map((n) => [n]));
  });

  it("[R3] of an empty list is one empty page", async () => {
    for (const order of ["asc", "desc"]) expect(await followPages(`&limit=2&order=${order}`)).toEqual([[]]);
  });

  it("[R3] streams everything in the requested order if there is no limit", async () => {
    await createMany(1, 2_300);
    expect(await followPages("&order=desc&dataOnly=true")).toEqual([range(2_300, 1)]);
    expect(await followPages("&order=asc&dataOnly=true")).toEqual([range(1, 2_300)]);
    const next = new URL(nextOf(await get("&limit=2000&order=desc&dataOnly=true")) ?? "", server.origin);
    next.searchParams.delete("limit");
    expect(await (await fetch(next)).json()).toEqual(range(300, 1));
    next.searchParams.delete("order");
    expect(await (await fetch(next)).json(), "the cursor knows its order").toEqual(range(300, 1));
  });

  it("[R3] loses and duplicates none while records are created and deleted; in ascending order, new ones come at the end", async () => {
    await createMany(1, 10);
    const listed = (await (await get()).json()) as { uniqueId: string; data: number }[];
    const idOf = (n: number) => listed.find(({ data }) => data === n)?.uniqueId;
    const pages = await followPages("&limit=4&dataOnly=true", async (page) => {
      if (page === 1) {
        await createMany(11, 12);
        // One that was read, the last one that was read, and one that was not.
        for (const n of [2, 4, 7]) expect((await get(`&uniqueId=${idOf(n)}`, { method: "DELETE" })).status).toBe(200);
      }
    });
    expect(pages).toEqual([
      [1, 2, 3, 4],
      [5, 6, 8, 9],
      [10, 11, 12],
    ]);
  });

  it("[R3] in descending order, new ones are not on later pages", async () => {
    await createMany(1, 5);
    expect(await followPages("&limit=2&order=desc&dataOnly=true", () => createMany(6, 8))).toEqual([[5, 4], [3, 2], [1]]);
  });

  it("[R3] has a link with the request's parameters, but without credentials", async () => {
    await createMany(1, 3);
    const response = await get(
      `&limit=2&dataOnly=true&masterKey=${MASTER_KEY}&accessToken=secret-a&ticket=secret-b&mine=%22%3C%3E%20%E2%82%AC`,
    );
    const link = response.headers.get("link") ?? "";
    expect(link).not.toMatch(/masterKey|accessToken|ticket|secret|a-master-key/);
    const next = new URL(nextOf(response) ?? "", server.origin);
    expect(next.pathname).toBe(`/api/1/ce/${seed.endpointName}`);
    expect(Object.fromEntries(next.searchParams)).toEqual({
      key: seed.key,
      limit: "2",
      dataOnly: "true",
      mine: '"<> €',
      cursor: expect.stringMatching(/^[\w-]+$/),
    });
    expect(await (await fetch(next)).json()).toEqual([3]);
  });

  it("[R3] [R12] HEAD has the link too", async () => {
    await createMany(1, 3);
    const head = await get("&limit=2&dataOnly=true", { method: "HEAD" });
    expect([head.status, await head.text(), head.headers.get("content-length")]).toEqual([200, "", "5"]);
    expect(nextOf(head)).toBe(nextOf(await get("&limit=2&dataOnly=true")));
  });

  it("[R3] [R6] an expression sees only the page, and the link is kept", async () => {
    await createMany(1, 5);
    const response = await get("&limit=3&jsonata=$sum(data)");
    expect(await response.json()).toBe(6);
    expect(await (await fetch(`${server.origin}${nextOf(response)}`)).json()).toBe(9);
  });

  it.each([
    ["limit=0", /limit/],
    ["limit=", /limit/],
    ["limit=-1", /limit/],
    ["limit=1.5", /limit/],
    ["limit=1e3", /limit/],
    ["limit=%2B5", /limit/],
    ["limit=05", /limit/],
    [`limit=${PAGE_RECORDS_MAX + 1}`, /10000/],
    ["limit=99999999999999999999", /limit/],
    ["order=up", /order/],
    ["order=", /order/],
    ["order=ASC", /order/],
    ["cursor=", /cursor/],
    ["cursor=abc", /cursor/],
    ["cursor=%00", /cursor/],
  ])("[R3] refuses %s", async (query, says) => {
    expect(await expectProblem(await get(`&${query}`), "parameter_invalid")).toMatch(says);
  });

  it("[R3] refuses a cursor of a list in the other order, and one of another endpoint", async () => {
    await createMany(1, 3);
    const cursor = new URL(nextOf(await get("&limit=2")) ?? "", server.origin).searchParams.get("cursor");
    expect(await expectProblem(await get(`&limit=2&order=desc&cursor=${cursor}`), "parameter_invalid")).toMatch(/order=asc/);
    const other = await server.seed();
    await expectProblem(await fetch(`${server.origin}${other.path}&limit=2&cursor=${cursor}`), "parameter_invalid");
  });

  it("[R3] cannot be used with named records", async () => {
    for (const query of ["limit=2", "order=asc", "cursor=x"]) {
      expect(await expectProblem(await get(`&uniqueId=${"0".repeat(32)}&${query}`), "parameter_invalid")).toMatch(/uniqueId/);
    }
  });
});
