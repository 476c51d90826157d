/** Tests `jsonata` on GET (R6) over a real socket: results, refusals, and that other requests are not delayed. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";
import { unlessBusy } from "@/tests/support/unless-busy";
import { until } from "@/tests/support/until";

const ENDLESS = "( $f := function($n){ $f($n) }; $f(1) )";

let server: DataServer;
/** A short time limit for expressions. */
let strict: DataServer;
let seed: Seed;

beforeAll(async () => {
  server = await createDataServer({ sandboxTimeoutMs: 15_000 });
  strict = await createDataServer({ sandboxTimeoutMs: 500 });
});
beforeEach(async () => {
  seed = await server.seed();
});
afterAll(async () => {
  await server.close();
  await strict.close();
});

const get = (expression: string, query = "", init: RequestInit = {}): Promise<Response> =>
  fetch(`${server.origin}${seed.path}&jsonata=${encodeURIComponent(expression)}${query}`, init);

async function create(data: unknown, to: { origin: string; path: string } = { origin: server.origin, path: seed.path }): Promise<string> {
  const init = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(data) };
  const record = (await (await fetch(`${to.origin}${to.path}`, init)).json()) as { uniqueId: string };
  return record.uniqueId;
}

describe("GET with jsonata", () => {
  it("[R6] is evaluated on the list, after the other parameters", async () => {
    const [a, b] = [await create({ price: 2 }), await create({ price: 3 })];
    await create({ price: 5 });
    expect(await (await get("$sum(data.price)")).json()).toBe(10);
    expect(await (await get("$sum(price)", "&dataOnly=true")).json()).toBe(10);
    expect(await (await get("$sum(data.price)", `&uniqueId=${a},${b}`)).json()).toBe(5);
    expect(await (await get("uniqueId", `&uniqueId=${b}`)).json()).toBe(b);
  });

  it("[R6] of a page gets only the page, and keeps the link to the next; the response does not have a record's tag", async () => {
    const ids = [await create(1), await create(2), await create(3)];
    const page = await get("$sum(data)", "&limit=2&order=desc");
    expect(await page.json()).toBe(5);
    const next = /^<([^>]+)>; rel="next"$/.exec(page.headers.get("link") ?? "")?.[1];
    expect(await (await fetch(`${server.origin}${next}`)).json()).toBe(1);
    const one = await get("data", `&uniqueId=${ids[0]}`);
    expect([await one.json(), one.headers.get("etag")]).toEqual([1, null]);
  });

  it("[R6] returns JSON with the usual headers; selecting nothing returns null", async () => {
    const answer = await get("nothing", "", { headers: { Origin: "https://example.com" } });
    expect([answer.status, await answer.text()]).toEqual([200, "null"]);
    expect(answer.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(answer.headers.get("content-length")).toBe("4");
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect(answer.headers.get("access-control-allow-origin")).toBe("https://example.com");
    expect(await (await get("$count($)")).text()).toBe("0");
  });

  it("[R6] keeps Unicode, and the expression's own characters", async () => {
    await create({ "naïve ☃": "💶 & + #" });
    expect(await (await get("data.`naïve ☃` & ' = 1 + 1'")).json()).toBe("💶 & + # = 1 + 1");
  });

  it("[R6] HEAD has the same headers, without a body", async () => {
    await create("x");
    const answer = await get("$count($)", "", { method: "HEAD" });
    expect([answer.status, answer.headers.get("content-length"), await answer.text()]).toEqual([200, "1", ""]);
    expect((await get("[", "", { method: "HEAD" })).status).toBe(400);
  });

  it.each([
    ["[1, 2", /position 5/],
    ["$sum('x')", /position 5/],
    ["", /empty/],
    ["  ", /empty/],
  ])("[R6] %j is 400 jsonata_invalid, with the reason", async (expression, why) => {
    expect(await expectProblem(await get(expression), "jsonata_invalid")).toMatch(why);
  });

  it("[R6] several expressions are invalid", async () => {
    await expectProblem(await get("1", "&jsonata=2"), "parameter_invalid");
  });

  it("[R6] a result over a limit is 400 jsonata_limit, with the limit", async () => {
    const { path } = await strict.seed();
    const endless = () => fetch(`${strict.origin}${path}&jsonata=${encodeURIComponent(ENDLESS)}`);
    const answer = await unlessBusy(endless, ({ status }) => status === 503);
    expect(await expectProblem(answer, "jsonata_limit")).toMatch(/500 ms/);
    const long = await fetch(`${strict.origin}${path}&jsonata=${"1".repeat(20_000)}`);
    expect(await expectProblem(long, "jsonata_limit")).toMatch(/16 KiB/);
  });

  it("[R6] a list that is too long is not evaluated", async () => {
    await server.pool.query(
      `INSERT INTO "Record" ("id", "endpointId", "data") SELECT gen_random_uuid(), $1, to_json(repeat('x', 1000000)) FROM generate_series(1, 18)`,
      [seed.endpointId],
    );
    expect(await expectProblem(await get("$count($)"), "jsonata_limit")).toMatch(/16 MiB/);
    expect(await (await get("$count($)", `&uniqueId=${await create(1)}`)).json()).toBe(1);
  });

  it("[R6] a long result is complete, character by character", async () => {
    // Three code units each, so that some pair lies at each place where the text could be cut.
    const data = "😀é".repeat(30_000);
    await create(data);
    const expression = "[0..9].($$.data)";
    const answer = await get(expression);
    const expected = Array.from({ length: 10 }, () => data);
    expect(await answer.clone().json()).toEqual(expected);
    expect(answer.headers.get("content-length")).toBe(String((await answer.arrayBuffer()).byteLength));
    const head = await get(expression, "", { method: "HEAD" });
    expect([head.headers.get("content-length"), await head.text()]).toEqual([answer.headers.get("content-length"), ""]);
  });

  it("[R6] on POST, PUT and DELETE it has no effect", async () => {
    const init = { method: "POST", headers: { "Content-Type": "text/plain" }, body: "x" };
    expect((await get("[", "", init)).status).toBe(201);
  });

  it("[R6] plain GETs, and other projects' expressions, do not wait for endless ones", async () => {
    const [hostile, other] = [await strict.seed(), await strict.seed()];
    const gone = new AbortController();
    const endless = Array.from({ length: 100 }, () =>
      fetch(`${strict.origin}${hostile.path}&jsonata=${encodeURIComponent(ENDLESS)}`, { signal: gone.signal }).catch(() => undefined),
    );
    for (let round = 0; round < 20; round += 1) expect((await fetch(`${strict.origin}${other.path}`)).status).toBe(200);
    // All of the flood before it would take 25 seconds.
    expect(await (await fetch(`${strict.origin}${other.path}&jsonata=1`)).json()).toBe(1);
    gone.abort();
    await Promise.all(endless);
    // The jobs that had not started are no longer needed.
    expect(await (await fetch(`${strict.origin}${hostile.path}&jsonata=1`)).json()).toBe(1);
  });

  it("[R6] eight projects of one account, with three hostile expressions each, do not delay another account", async () => {
    const [first, ...rest] = await Promise.all(Array.from({ length: 8 }, () => strict.seed()));
    const other = await strict.seed();
    const projects = [first, ...rest].flatMap((each) => each ?? []);
    await strict.pool.query(
      `UPDATE "Project" SET "ownerId" = (SELECT "ownerId" FROM "Project" WHERE id = $1) WHERE id = ANY ($2::uuid[])`,
      [first?.projectId, projects.map(({ projectId }) => projectId)],
    );
    for (const { projectId } of projects) strict.definitions.invalidate(projectId);
    const ask = async ({ path }: Seed, expression: string) => {
      const answer = await fetch(`${strict.origin}${path}&jsonata=${encodeURIComponent(expression)}`);
      await answer.text();
      return answer.status;
    };
    let settled = 0;
    const flood = Array.from({ length: 24 }, async (_, n) => {
      const status = await ask(projects[n % 8] ?? other, n % 3 === 0 ? '$pad("",1000000000,"x")' : ENDLESS);
      settled += 1;
      return status;
    });
    for (let round = 0; round < 3; round += 1) expect(await ask(other, "1")).toBe(200);
    // If projects were served round robin, each of the three would wait for eight of them.
    expect(settled).toBeLessThan(18);
    for (const status of await Promise.all(flood)) expect([400, 503]).toContain(status);
  }, 60_000);

  it("[R6] a key that has used up its CPU time gets 429 with Retry-After, without affecting another account", async () => {
    const spent = await createDataServer({ sandboxTimeoutMs: 100, sandboxCpuMsPerMinute: 100 });
    const [spender, other] = [await spent.seed(), await spent.seed()];
    const ask = ({ path }: Seed, expression: string) => fetch(`${spent.origin}${path}&jsonata=${encodeURIComponent(expression)}`);
    const refused = await until("the budget's end", async () => {
      const answer = await ask(spender, ENDLESS);
      return answer.status === 429 ? answer : undefined;
    });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await expectProblem(refused, "rate_limited")).toMatch(/CPU time/);
    expect((await fetch(`${spent.origin}${spender.path}`)).status).toBe(200);
    const answer = await unlessBusy(
      () => ask(other, "1"),
      ({ status }) => status !== 200,
    );
    expect(await answer.json()).toBe(1);
    await spent.close();
  }, 60_000);

  it("[R6] a client that disconnects leaves no trace in the log", async () => {
    const { path } = await strict.seed();
    const before = strict.logged.length;
    const gone = new AbortController();
    const requests = Array.from({ length: 10 }, () =>
      fetch(`${strict.origin}${path}&jsonata=${encodeURIComponent(ENDLESS)}`, { signal: gone.signal }).catch(() => "gone"),
    );
    await until("requests under way", async () => (await fetch(`${strict.origin}${path}`)).ok);
    gone.abort();
    expect(await Promise.all(requests)).toEqual(Array.from({ length: 10 }, () => "gone"));
    expect(await (await fetch(`${strict.origin}${path}&jsonata=1`)).json()).toBe(1);
    expect(strict.logged.slice(before)).toEqual([]);
  });
});
