/** Tests the limits of one account or address on the management API, and that others are not affected (G23). */
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createRequestTurn } from "@/app/lib/manage/limit-request";
import { toDashboardHashContext } from "@/src/core/users/password-hasher";
import { createDashboard } from "@/src/runtime/web/serve-dashboard";
import { until } from "@/tests/support/until";
import { type ManageServer, type Person, startManageServer } from "../../support/servers/manage-server";

const PER_MINUTE = 40;
let server: ManageServer;
let ada: Person;
let bob: Person;
let endpointId: string;
let count = 0;

beforeAll(async () => {
  server = await startManageServer({ managementRateLimit: PER_MINUTE });
});
afterAll(() => server.stop());
beforeEach(async () => {
  count += 1;
  [ada, bob] = [await server.createPerson(`Ada${count}`), await server.createPerson(`Bob${count}`)];
  endpointId = (await ada.call("POST", "/api/manage/start", { body: { name: "Readings" } })).body.endpoint.id;
});

const ACCOUNT = "/api/manage/account";
const from = (address: string) => ({ "x-forwarded-for": address });
/** Uses all slots of a kind that an account has. Returns a function that frees them. */
async function occupy(kind: Parameters<ManageServer["runtime"]["managementLimits"]["enter"]>[0], account: string, turns: number) {
  const { managementLimits } = server.runtime;
  const ends = await Promise.all(Array.from({ length: turns }, () => managementLimits.enter(kind, { account })));
  return () => {
    for (const end of ends) end();
  };
}
/** Returns true if the call got its response before `release`. */
async function isHeldUp(call: () => Promise<{ status: number }>, release: () => void): Promise<boolean> {
  let answered = false;
  const answer = call().then((result) => {
    answered = true;
    return result;
  });
  // Bob's requests pass all checks in the meantime, without delay.
  for (let n = 0; n < 3; n++) expect((await bob.call("GET", ACCOUNT)).status).toBe(200);
  const wasHeldUp = !answered;
  release();
  expect((await answer).status).toBeLessThan(400);
  return wasHeldUp;
}

describe("the rate", () => {
  it("[G23] of an account is limited and reported; others are not affected", async () => {
    for (let n = 0; n < PER_MINUTE - 1; n++) expect((await ada.call("GET", ACCOUNT)).status).toBe(200);
    const refused = await ada.call("GET", ACCOUNT);
    expect(refused).toMatchObject({ status: 429, body: { code: "rate_limited", retryable: true } });
    expect(refused.body.detail).toContain(`${PER_MINUTE} per minute`);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    const standing = (headers: Headers) => ["limit", "remaining"].map((name) => headers.get(`ratelimit-${name}`));
    expect(standing(refused.headers)).toEqual([String(PER_MINUTE), "0"]);
    // From now on the server refuses ada's token before the management API is called.
    const isBarred = ({ token }: Person) =>
      server.runtime.managementLimits.refuseEarly({ headers: { authorization: `Bearer ${token}` }, socket: {} }) !== undefined;
    expect([isBarred(ada), isBarred(bob)]).toEqual([true, false]);
    const { status, headers } = await bob.call("GET", ACCOUNT);
    expect([status, ...standing(headers)]).toEqual([200, String(PER_MINUTE), String(PER_MINUTE - 1)]);
  });

  it("[G23] of an address without a sign-in is a quarter, even with invalid tokens and cookies", async () => {
    const wrong = (address: string, headers: object = { authorization: "Bearer rst_wrong" }) =>
      server.call("GET", ACCOUNT, { headers: { ...headers, ...from(address) } });
    for (let n = 0; n < PER_MINUTE / 8; n++) {
      expect((await wrong("198.51.100.1")).body.code).toBe("management_token_invalid");
      expect((await wrong("198.51.100.1", {})).body.code).toBe("session_missing");
    }
    expect((await wrong("198.51.100.1")).body.code).toBe("rate_limited");
    expect((await server.call("GET", "/api/manage/openapi.json", { headers: from("198.51.100.1") })).status).toBe(429);
    expect((await server.call("GET", "/api/auth/csrf", { headers: from("198.51.100.1") })).status).toBe(429);
    expect((await wrong("198.51.100.2")).body.code).toBe("management_token_invalid");
    // A signed-in client behind the same address is not affected.
    expect((await ada.call("GET", ACCOUNT, { headers: from("198.51.100.1") })).status).toBe(200);
  });
});

describe("concurrent requests", () => {
  it("[G23] are limited to 8 of an account; more are queued, without affecting others", async () => {
    expect(await isHeldUp(() => ada.call("GET", ACCOUNT), await occupy("request", ada.id, 8))).toBe(true);
  });

  it("[G23] are limited to 2 reads of records, 2 exports and 2 imports of an account, besides its other requests", async () => {
    const at = `/api/manage/endpoints/${endpointId}`;
    const rows = { raw: { contentType: "application/x-ndjson", bytes: '{"n":1}\n' } };
    expect(await isHeldUp(() => ada.call("GET", `${at}/records`), await occupy("heavy", ada.id, 2))).toBe(true);
    expect(await isHeldUp(() => ada.call("GET", `${at}/export?format=json`), await occupy("export", ada.id, 2))).toBe(true);
    expect(await isHeldUp(() => ada.call("POST", `${at}/import`, rows), await occupy("import", ada.id, 2))).toBe(true);
    const release = await occupy("import", ada.id, 2);
    expect((await ada.call("GET", `${at}/records`)).status).toBe(200);
    release();
  });

  it("[G23] a client that disconnects while it is queued is not a failure of the server", async () => {
    const release = await occupy("request", ada.id, 8);
    const client = new AbortController();
    const answer = ada.call("GET", ACCOUNT, { signal: client.signal });
    expect((await bob.call("GET", ACCOUNT)).status).toBe(200);
    client.abort();
    expect(await answer).toMatchObject({ status: 400, body: { code: "request_invalid" } });
    expect(server.logged.filter(({ message }) => message === "a management request failed")).toEqual([]);
    release();
  });

  it("[G23] an export holds its slot until its last byte was read or it is aborted", async () => {
    const { managementLimits: limits } = server.runtime;
    const request = new Request("http://rested.test");
    const open = async () => {
      const turn = createRequestTurn({ limits, request, kind: "export", caller: () => ({ account: ada.id }) });
      await turn.enter();
      return turn.finish(new Response(new Blob(["a", "b"]).stream()));
    };
    const [read, dropped] = [await open(), await open()];
    const ended: string[] = [];
    const third = limits.enter("export", { account: ada.id }).then((end) => {
      ended.push("third");
      return end;
    });
    const fourth = limits.enter("export", { account: ada.id }).then((end) => {
      ended.push("fourth");
      return end;
    });
    await new Promise(setImmediate);
    expect(ended).toEqual([]);
    expect(await read.text()).toBe("ab");
    (await third)();
    await dropped.body?.cancel();
    (await fourth)();
    expect(ended).toEqual(["third", "fourth"]);
  });

  it("[G23] an export or file whose client disconnects before it is sent frees its slot and its resources", async () => {
    const { managementLimits: limits } = server.runtime;
    const closed: string[] = [];
    const open = async (name: string, client: AbortController) => {
      const request = new Request("http://rested.test", { signal: client.signal });
      const turn = createRequestTurn({ limits, request, kind: "export", caller: () => ({ account: ada.id }) });
      await turn.enter();
      // Next neither reads nor cancels the body of a response whose client has disconnected.
      return () => turn.finish(new Response(new ReadableStream({ cancel: () => void closed.push(name) })));
    };
    const [before, after] = [new AbortController(), new AbortController()];
    const [goneBefore, goneAfter] = [await open("before", before), await open("after", after)];
    before.abort();
    goneBefore();
    goneAfter();
    after.abort();
    const release = await occupy("export", ada.id, 2);
    release();
    await until("both are closed", () => closed.length === 2);
    expect(closed).toEqual(["before", "after"]);
  });

  it("[G23] a body that does not arrive holds no slot", async () => {
    const closers: (() => void)[] = [];
    const stalled = Array.from({ length: 8 }, () => {
      const bytes = new ReadableStream<Uint8Array>({ start: (controller) => void closers.push(() => controller.close()) });
      return ada.call("PATCH", ACCOUNT, { raw: { contentType: "application/json", bytes } });
    });
    expect((await ada.call("GET", ACCOUNT)).status).toBe(200);
    for (const close of closers) close();
    for (const answer of await Promise.all(stalled)) expect(answer.body.code).toBe("body_empty");
  });

  it("[G23] signing in is not delayed by an account's requests", async () => {
    const release = await occupy("request", ada.id, 8);
    const { db, passwords } = server.runtime;
    const passwordHash = await passwords.hash("correct horse battery", toDashboardHashContext(null));
    await db.user.update({ where: { id: ada.id }, data: { passwordHash } });
    expect((await server.call("GET", "/api/auth/csrf", { headers: from("198.51.100.9") })).status).toBe(200);
    release();
  });
});

describe("pages", () => {
  it("[G23] are served round robin by address", async () => {
    const { managementLimits: limits } = server.runtime;
    const asked: string[] = [];
    const toNext = async (request: http.IncomingMessage, response: http.ServerResponse) => {
      asked.push(request.url ?? "");
      response.end("page");
    };
    const dashboard = createDashboard({ limits, toNext });
    let [begun, gone] = [0, 0];
    const web = http.createServer((request, response) => {
      begun += 1;
      response.on("close", () => {
        gone += 1;
      });
      void dashboard(request, response);
    });
    web.listen(0, "127.0.0.1");
    await once(web, "listening");
    const origin = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
    const ends = await Promise.all(Array.from({ length: 16 }, () => limits.enter("page", { address: "198.51.100.1" })));
    const client = new AbortController();
    const given = fetch(`${origin}/projects?given-up`, { headers: from("198.51.100.1"), signal: client.signal });
    await until("it waits", () => begun === 1);
    client.abort();
    await expect(given).rejects.toThrow();
    await until("the server notices", () => gone === 1);
    const page = fetch(`${origin}/projects`, { headers: from("198.51.100.1") });
    expect((await fetch(`${origin}/projects?other`, { headers: from("198.51.100.2") })).status).toBe(200);
    expect((await fetch(`${origin}/_next/static/a.js`, { headers: from("198.51.100.1") })).status).toBe(200);
    expect(asked).toEqual(["/projects?other", "/_next/static/a.js"]);
    for (const end of ends) end();
    expect((await page).status).toBe(200);
    // Nothing is rendered for the disconnected client.
    expect(asked.slice(2)).toEqual(["/projects"]);
    web.close();
  });
});
