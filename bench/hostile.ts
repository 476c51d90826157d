/**
 * What hostile requests cost everybody else: the latency of plain GETs, quiet and while 8 clients send JSONata that never ends or takes all it can get
 * (`jsonata`), streams that filter by it (`filters`), or bodies that are too deep, too large, too many files, or cut off (`bodies`); turn by turn in one
 * run. Server, plain clients and hostile clients are processes of their own; PostgreSQL durable.
 * Run: node --import tsx bench/hostile.ts jsonata|filters|bodies [seconds a turn] [turns]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { parseConfig } from "@/src/config/config";
import { boot } from "@/src/runtime/boot";

const HOSTILE_CLIENTS = 8;
const PLAIN_CLIENTS = 4;
/** Between two plain requests of a client: a server that is used, not one that is worn out. */
const PLAIN_PAUSE_MS = 5;
const RECORDS = 500;

const JSONATA = [
  "( $f := function($n){ $f($n + 1) }; $f(1) )",
  "( $f := function($n){ $f($n) + 1 }; $f(1) )",
  "$contains($join($map([1..40], function($i){'a'})) & 'b', /^(a+)+$/)",
  "$pad('x', 1000000000)",
  "$map([1..10000000], function($i){ {'n': $i} })",
  "$sort([1..1000000], function($a, $b){ $a < $b })",
  "( $x := [1..3000]; $count($x.($x)) )",
  "$pad('x', 8000000)",
  "$map([1..200], function($i){ $$ })",
  "$eval($string($))",
  "$[",
];

const MB = 1024 * 1024;
const BOUNDARY = "hostile";
const toPart = (index: number) => `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="../${index}"\r\n\r\n`;
const JSON_TYPE = { "Content-Type": "application/json" };
const FORM_TYPE = { "Content-Type": `multipart/form-data; boundary=${BOUNDARY}` };

/** A POST; `pieces` are sent one after the other, `isCutOff` ends the connection in the middle. */
interface HostileBody {
  headers: Record<string, string>;
  pieces: readonly (string | Buffer)[];
  isCutOff?: boolean;
}

const BODIES: readonly HostileBody[] = [
  { headers: JSON_TYPE, pieces: ["[".repeat(MB)] },
  { headers: JSON_TYPE, pieces: ['{"a":'.repeat(100_000), "1", "}".repeat(100_000)] },
  { headers: JSON_TYPE, pieces: [`[${"{},".repeat(300_000)}{}`] },
  { headers: JSON_TYPE, pieces: [JSON.stringify("\u0000".repeat(100_000))] },
  { headers: JSON_TYPE, pieces: Array.from({ length: 16 }, () => " ".repeat(MB)) },
  { headers: { ...JSON_TYPE, "Content-Encoding": "gzip" }, pieces: [gzipSync(Buffer.alloc(64 * MB))] },
  { headers: FORM_TYPE, pieces: [Array.from({ length: 11 }, (_, index) => `${toPart(index)}x\r\n`).join(""), `--${BOUNDARY}--\r\n`] },
  { headers: FORM_TYPE, pieces: [toPart(1), ...Array.from({ length: 101 }, () => Buffer.alloc(MB))] },
  { headers: FORM_TYPE, pieces: [toPart(1), ...Array.from({ length: 8 }, () => Buffer.alloc(MB))], isCutOff: true },
  { headers: FORM_TYPE, pieces: [`--${BOUNDARY}\r\n\r\n`, "x".repeat(1_000)] },
];

const [role = "run", ...rest] = process.argv.slice(2);
if (role === "serve") await serve();
else if (role === "plain") await plain(rest[0] ?? "", Number(rest[1]));
else if (role === "hostile") await hostile(rest[0] ?? "", toSender(rest[1]));
else if (role === "jsonata" || role === "filters" || role === "bodies") await run(role, Number(rest[0] ?? 5), Number(rest[1] ?? 5));
else throw new Error("Say what is hostile: jsonata, filters or bodies.");

/** A server with an endpoint of some records; prints its URL. */
async function serve(): Promise<void> {
  const dir = mkdtempSync(path.join(os.tmpdir(), "rested-bench-"));
  const booted = await boot(parseConfig({ NODE_ENV: "production", RESTED_DATA_DIR: dir, LOG_LEVEL: "error", RESTED_RATE_LIMIT: "0" }));
  const { db } = booted.runtime;
  const key = randomBytes(16).toString("hex");
  const owner = await db.user.create({ data: { email: `${key}@example.com`, name: "bench" } });
  const project = await db.project.create({
    data: {
      ownerId: owner.id,
      name: "bench project",
      keys: { create: { name: "key", key } },
      endpoints: { create: [{ name: "bench/plain" }, { name: "bench/hostile" }] },
    },
    include: { endpoints: true },
  });
  for (const { id, name } of project.endpoints) {
    const writes = Array.from({ length: name === "bench/plain" ? 20 : RECORDS }, (_, n) => ({
      type: "POST" as const,
      id: randomBytes(16).toString("hex"),
      contentType: "json" as const,
      data: JSON.stringify({ sensor: "kitchen", temperature: n / 10, tags: ["a", "b"], note: "x".repeat(100) }),
    }));
    for (let at = 0; at < writes.length; at += 100) await booted.runtime.records.commit(id, writes.slice(at, at + 100));
  }
  const server = http.createServer((request, response) => booted.dataPlane(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  console.log(`http://127.0.0.1:${port}/api/1/ce/NAME?key=${key}`);
  await once(process.stdin.resume(), "end");
  server.close();
  server.closeAllConnections();
  await booted.stop();
  rmSync(dir, { recursive: true, force: true });
  process.exit();
}

/** Prints the milliseconds of each GET as JSON. */
async function plain(url: string, seconds: number): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: PLAIN_CLIENTS });
  const until = performance.now() + seconds * 1000;
  const times: number[] = [];
  const client = async (): Promise<void> => {
    while (performance.now() < until) {
      const start = performance.now();
      if ((await get(url, agent)) !== 200) throw new Error("A plain GET failed.");
      times.push(performance.now() - start);
      await delay(PLAIN_PAUSE_MS);
    }
  };
  await Promise.all(Array.from({ length: PLAIN_CLIENTS }, client));
  console.log(JSON.stringify(times));
  process.exit();
}

/** Until it is killed. */
async function hostile(url: string, send: (url: string, n: number, agent: http.Agent) => Promise<unknown>): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: HOSTILE_CLIENTS });
  const client = async (first: number): Promise<void> => {
    for (let n = first; ; n += 1) await send(url, n, agent);
  };
  await Promise.all(Array.from({ length: HOSTILE_CLIENTS }, (_, n) => client(n)));
}

function toSender(what: string | undefined) {
  if (what === "bodies") return sendBody;
  return what === "filters" ? openFiltered : sendJsonata;
}

function sendJsonata(url: string, n: number, agent: http.Agent): Promise<number> {
  return get(`${url}&jsonata=${encodeURIComponent(JSONATA[n % JSONATA.length] ?? "1")}`, agent);
}

/** A stream that wants all records through a filter. Settles when it has ended, or has sent some: then it is cut off. */
function openFiltered(url: string, n: number): Promise<void> {
  const address = `${url}&snapshot=true&jsonata=${encodeURIComponent(JSONATA[n % JSONATA.length] ?? "1")}`;
  const request = http.get(address, { agent: false, headers: { Accept: "text/event-stream" } });
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

/** Settles when the connection has ended, or the answer has come: whichever a refused client sees first. */
async function sendBody(url: string, n: number): Promise<void> {
  const { headers, pieces, isCutOff = false } = BODIES[n % BODIES.length] ?? { headers: {}, pieces: [] };
  const request = http.request(url, { method: "POST", headers, agent: false });
  const over = new Promise<void>((resolve) => {
    request.on("response", (response) => response.resume().on("close", resolve));
    request.on("close", resolve);
  });
  // A server that refuses what it has not read yet may close the connection first.
  await pipeline(toBody(pieces, isCutOff), request).catch(() => undefined);
  await over;
}

function* toBody(pieces: HostileBody["pieces"], isCutOff: boolean): Generator<string | Buffer, void> {
  yield* pieces;
  if (isCutOff) throw new Error("cut off");
}

function get(url: string, agent: http.Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    http
      .get(url, { agent }, (response) => {
        response.resume();
        response.on("end", () => resolve(response.statusCode ?? 0));
        response.on("error", reject);
      })
      .on("error", reject);
  });
}

async function run(what: string, seconds: number, turns: number): Promise<void> {
  const server = start("serve");
  const url = await firstLine(server);
  const [plainUrl, hostileUrl] = [url.replace("NAME", "bench/plain"), url.replace("NAME", "bench/hostile")];
  const measure = async (): Promise<number[]> => JSON.parse(await firstLine(start("plain", plainUrl, String(seconds)))) as number[];
  await measure(); // warm-up
  const all: Record<"quiet" | "hostile", number[]> = { quiet: [], hostile: [] };
  for (let turn = 1; turn <= turns; turn += 1) {
    const quiet = await measure();
    const attackers = start("hostile", hostileUrl, what);
    await delay(1000);
    const attacked = await measure();
    attackers.kill("SIGKILL");
    // What they left must end before it is quiet again.
    await delay(3000);
    all.quiet.push(...quiet);
    all.hostile.push(...attacked);
    console.log(`turn ${turn}   ${compare(what, quiet, attacked)}`);
  }
  console.log(`all      ${compare(what, all.quiet, all.hostile)}`);
  server.stdin?.end();
  await once(server, "exit");
}

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, ["--import", "tsx", import.meta.filename, ...args], { stdio: ["pipe", "pipe", "inherit"] });
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error("There is nothing to read.");
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return line;
}

function compare(what: string, quiet: readonly number[], hostile: readonly number[]): string {
  return [50, 99]
    .map((percent) => {
      const [before, after] = [percentile(quiet, percent), percentile(hostile, percent)];
      return `p${percent} ${before.toFixed(2)} ms quiet, ${after.toFixed(2)} ms beside hostile ${what}, ×${(after / before).toFixed(2)}`;
    })
    .join("   ");
}

function percentile(times: readonly number[], percent: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? 0;
}
