/** The attacks. Eight callers run each at once, from different addresses, as fast as the rate limit of a key allows, until the process is killed. */
import { randomUUID } from "node:crypto";
import http from "node:http";
import { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { BODIES, EXPRESSIONS, toBody } from "./payloads";
import { json, type Outgoing, send } from "./send";
import { addEndpoint, bearer, importRecords, type World } from "./world";

const CALLERS = 8;
const MB = 1024 * 1024;
const IMPORTED_RECORDS = 100_000;
const REFUSED_PAUSE_MS = 1_000;
/** 12,000 per minute. */
const REQUEST_INTERVAL_MS = 5;

/** One caller; `n` is its index. Never settles. */
type Attack = (world: World, n: number) => Promise<never>;

export const ATTACKS = {
  /** Writers that need an endpoint's row, which imports and deletions of the endpoint hold. */
  rows: (world, n) => (n === 0 ? importAndDelete(world) : forever(12, n, (address) => writeToBusyRow(world, n, address))),
  /** Files that take long to parse. */
  imports: (world, n) => forever(1, n, (address, turn) => importFile(world, n + turn, address)),
  /** Large responses that are read slowly. */
  "slow-readers": (world, n) =>
    forever(5, n, (address) =>
      readSlowly(`${at(world.hostile.data, n).url}&jsonata=${encodeURIComponent('$pad("",15000000,"x")')}`, address),
    ),
  /** Native code that the interpreter cannot interrupt, in eight projects of one account. */
  sandbox: (world, n) =>
    forever(3, n, (address) =>
      send(`${at(world.hostile.data, n).url}&jsonata=${encodeURIComponent('$pad("",1000000000,"x")')}`, { address }),
    ),
  /** A pattern that backtracks, in eight projects of one account. */
  patterns: (world, n) =>
    forever(2, n, (address) =>
      send(at(world.hostile.patterns, n).url, { method: "POST", ...json({ text: `${"a".repeat(40)}b` }), address }),
    ),
  /** Registrations of an application's users, each of which needs a password hash. */
  registrations: (world, n) =>
    forever(27, n, (address) =>
      send(world.hostile.users.url, { method: "POST", ...json({ username: randomUUID(), password: "correct horse" }), address }),
    ),
  /** Queries of the dashboard's grid over many records, and imports that never end. */
  grid: (world, n) => forever(13, n, (address, turn) => (turn % 13 === 12 ? importNothing(world, address) : queryGrid(world, address))),
  /** Bodies that never arrive, and bodies where none is expected, without an account. */
  stalled: (world, n) => forever(50, n, (address, turn) => sendUnasked(world, turn, address)),
  /** Expressions that never end, or use all memory they can get. */
  jsonata: (world, n) =>
    forever(1, n, (address, turn) =>
      send(`${world.hostile.big.url}&limit=500&jsonata=${encodeURIComponent(at(EXPRESSIONS, n + turn))}`, { address }),
    ),
  /** Access functions that never end, use all memory, or find as much as they may, on lists and streams of eight projects of one account. */
  functions: (world, n) =>
    forever(3, n, (address, turn) => {
      const { url } = at(world.hostile.functions, n + turn);
      return turn % 3 === 0 ? openStream(`${url}&snapshot=true`, address) : send(url, { address });
    }),
  /** Streams with such expressions as filters. */
  filters: (world, n) => forever(1, n, (address, turn) => openFiltered(world, n + turn, address)),
  /** Bodies that are too deep, too large or incomplete, or have too many files. */
  bodies: (world, n) =>
    forever(1, n, async (address, turn) => {
      const { headers, pieces, isCutOff = false } = at(BODIES, n + turn);
      await send(at(world.hostile.data, 0).url, { method: "POST", headers, body: Readable.from(toBody(pieces, isCutOff)), address });
    }),
} satisfies Record<string, Attack>;

export type AttackName = keyof typeof ATTACKS;

/** Repeats until the process is killed. */
export async function attack(world: World, name: AttackName): Promise<void> {
  await Promise.all(Array.from({ length: CALLERS }, (_, n) => ATTACKS[name](world, n)));
}

/**
 * Keeps a number of requests of a caller in progress; each has a number. A refused request is repeated at once, and Retry-After is
 * ignored. But no caller starts more requests than the rate limit of its key, because stopping a flood is the network's task.
 */
async function forever(atOnce: number, caller: number, once: (address: string, turn: number) => Promise<unknown>): Promise<never> {
  let turn = 0;
  let nextAt = 0;
  const one = async () => {
    for (;;) {
      nextAt = Math.max(nextAt + REQUEST_INTERVAL_MS, performance.now());
      await delay(Math.max(0, nextAt - performance.now()));
      await once(`10.2.0.${caller + 10}`, turn++);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  throw new Error("An attack has ended.");
}

function at<T>(items: readonly T[], n: number): T {
  const item = items[n % items.length];
  if (item === undefined) throw new Error("There is nothing to choose from.");
  return item;
}

async function importAndDelete({ origin, hostile }: World): Promise<never> {
  const key = new URL(at(hostile.data, 0).url).searchParams.get("key") ?? "";
  for (;;) {
    const target = await addEndpoint(origin, hostile, hostile.projectId, key, { name: `bench/deleted-${randomUUID().slice(0, 8)}` });
    await importRecords(origin, hostile, target, IMPORTED_RECORDS);
    const url = `${origin}/api/manage/endpoints/${target.id}`;
    await Promise.all([
      importRecords(origin, hostile, at(hostile.data, 0), IMPORTED_RECORDS),
      send(url, { method: "DELETE", headers: bearer(hostile), address: "10.2.0.1" }),
    ]);
  }
}

function writeToBusyRow({ hostile }: World, n: number, address: string) {
  if (n === 1) return send(hostile.users.url, { method: "POST", ...json({ username: randomUUID(), password: "correct horse" }), address });
  const { url } = at(hostile.data, 0);
  if (n === 2) {
    const form = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nx\r\n--b--\r\n';
    return send(url, { method: "POST", headers: { "Content-Type": "multipart/form-data; boundary=b" }, body: form, address });
  }
  const { body, headers } = json({ n });
  return send(url, { method: "POST", body, headers: { ...headers, "Idempotency-Key": randomUUID() }, address });
}

const FILES: readonly { type: string; body: () => Outgoing["body"] }[] = [
  { type: "text/csv", body: () => ",".repeat(2 * MB) },
  { type: "text/csv", body: () => `a,b\n${",".repeat(MB)}` },
  { type: "text/csv", body: () => `${Array.from({ length: 100 }, (_, n) => `c${n}`).join()}\n${`${"1,".repeat(99)}1\n`.repeat(2_000)}` },
  { type: "application/json", body: () => Readable.from(repeat(" ".repeat(MB), 60, "[1]")) },
  { type: "application/json", body: () => Readable.from(repeat("[".repeat(MB), 60)) },
  { type: "application/x-ndjson", body: () => Readable.from(repeat("\n".repeat(MB), 60, "1")) },
  { type: "application/json", body: () => Readable.from(repeat("1,".repeat(MB / 2), 60, "1]", "[")) },
];

function* repeat(piece: string, count: number, end = "", begin = ""): Generator<string, void> {
  if (begin !== "") yield begin;
  for (let n = 0; n < count; n += 1) yield piece;
  if (end !== "") yield end;
}

function importFile({ origin, hostile }: World, n: number, address: string) {
  const { type, body } = at(FILES, n);
  return send(`${origin}/api/manage/endpoints/${hostile.big.id}/import?check=true`, {
    method: "POST",
    headers: { ...bearer(hostile), "Content-Type": type },
    body: body() ?? "",
    address,
  });
}

/** Reads 64 KiB every 10 s, as long as the server allows. */
function readSlowly(url: string, address: string): Promise<void> {
  return new Promise((resolve) => {
    const request = http.get(url, { agent: false, headers: { "X-Forwarded-For": address } }, (response) => {
      response.pause();
      const timer = setInterval(() => response.read(64 * 1024), 10_000);
      response
        .on("error", () => undefined)
        .on("close", () => {
          clearInterval(timer);
          resolve();
        });
      if (response.statusCode !== 200) response.resume();
    });
    request.on("error", () => resolve());
  });
}

function queryGrid({ origin, hostile }: World, address: string) {
  const filters = Array.from({ length: 10 }, (_, n) => `&filter=${encodeURIComponent(`note != "no ${n}"`)}`).join("");
  const url = `${origin}/api/manage/endpoints/${hostile.big.id}/records?search=nothing-has-this&order=updated${filters}`;
  return send(url, { headers: bearer(hostile), address });
}

/** Sends most of an import, and then nothing, as long as the server allows. */
async function importNothing({ origin, hostile }: World, address: string): Promise<void> {
  async function* stall(): AsyncGenerator<string, void> {
    for (let n = 0; n < 60; n += 1) yield '"xxxxxxxxxxxxxxx"\n'.repeat(MB / 16);
    await delay(600_000);
  }
  await send(`${origin}/api/manage/endpoints/${hostile.big.id}/import?check=true`, {
    method: "POST",
    headers: { ...bearer(hostile), "Content-Type": "application/x-ndjson" },
    body: Readable.from(stall()),
    address,
  });
}

const UNASKED = ["/login", "/api/auth/callback/credentials", "/api/manage/signup", "/api/nope", "/"];

async function sendUnasked({ origin }: World, turn: number, address: string): Promise<void> {
  const path = at(UNASKED, turn);
  const isStalled = turn % 10 !== 9;
  const body = Readable.from(isStalled ? stallAtOnce() : repeat("x".repeat(MB), 120));
  const headers = isStalled ? { "Content-Type": "application/json", "Content-Length": 100_000 } : { "Content-Type": "text/plain" };
  await send(`${origin}${path}`, { method: "POST", headers, body, address });
  // The aim is to hold connections: a refused caller tries again, without flooding the server with connections.
  await delay(REFUSED_PAUSE_MS);
}

async function* stallAtOnce(): AsyncGenerator<string, void> {
  yield "{";
  await delay(600_000);
}

/** Opens a stream of all records with a filter. */
function openFiltered({ hostile }: World, n: number, address: string): Promise<void> {
  return openStream(`${hostile.big.url}&snapshot=true&jsonata=${encodeURIComponent(at(EXPRESSIONS, n))}`, address);
}

/** Settles when the stream has ended, or closes it after the first records. */
function openStream(url: string, address: string): Promise<void> {
  const request = http.get(url, { agent: false, headers: { Accept: "text/event-stream", "X-Forwarded-For": address } });
  return new Promise((resolve) => {
    request.on("error", () => resolve());
    request.on("response", (response) => {
      response.on("data", (chunk: Buffer) => {
        if (chunk.includes("SNAPSHOT")) response.destroy();
      });
      response.on("error", () => undefined).on("close", resolve);
    });
  });
}
