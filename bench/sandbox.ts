/**
 * What hostile JSONata costs everybody else: the latency of plain GETs, quiet and while 8 clients send expressions that never end or take all they
 * can get; turn by turn in one run. Server, plain clients and hostile clients are processes of their own; PostgreSQL durable.
 * Run: node --import tsx bench/sandbox.ts [seconds a turn] [turns]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { parseConfig } from "@/src/config/config";
import { boot } from "@/src/runtime/boot";

const HOSTILE_CLIENTS = 8;
const PLAIN_CLIENTS = 4;
/** Between two plain requests of a client: a server that is used, not one that is worn out. */
const PLAIN_PAUSE_MS = 5;
const RECORDS = 500;

const HOSTILE = [
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

const [role = "run", ...rest] = process.argv.slice(2);
if (role === "serve") await serve();
else if (role === "plain") await plain(rest[0] ?? "", Number(rest[1]));
else if (role === "hostile") await hostile(rest[0] ?? "");
else await run(Number(role === "run" ? 5 : role), Number(rest[0] ?? 5));

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
async function hostile(url: string): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: HOSTILE_CLIENTS });
  const client = async (first: number): Promise<void> => {
    for (let n = first; ; n += 1) await get(`${url}&jsonata=${encodeURIComponent(HOSTILE[n % HOSTILE.length] ?? "1")}`, agent);
  };
  await Promise.all(Array.from({ length: HOSTILE_CLIENTS }, (_, n) => client(n)));
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

async function run(seconds: number, turns: number): Promise<void> {
  const server = start("serve");
  const url = await firstLine(server);
  const [plainUrl, hostileUrl] = [url.replace("NAME", "bench/plain"), url.replace("NAME", "bench/hostile")];
  const measure = async (): Promise<number[]> => JSON.parse(await firstLine(start("plain", plainUrl, String(seconds)))) as number[];
  await measure(); // warm-up
  const all: Record<"quiet" | "hostile", number[]> = { quiet: [], hostile: [] };
  for (let turn = 1; turn <= turns; turn += 1) {
    const quiet = await measure();
    const attackers = start("hostile", hostileUrl);
    await delay(1000);
    const attacked = await measure();
    attackers.kill("SIGKILL");
    // What they left must end before it is quiet again.
    await delay(3000);
    all.quiet.push(...quiet);
    all.hostile.push(...attacked);
    console.log(`turn ${turn}   ${compare(quiet, attacked)}`);
  }
  console.log(`all      ${compare(all.quiet, all.hostile)}`);
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

function compare(quiet: readonly number[], hostile: readonly number[]): string {
  return [50, 99]
    .map((percent) => {
      const [before, after] = [percentile(quiet, percent), percentile(hostile, percent)];
      return `p${percent} ${before.toFixed(2)} ms quiet, ${after.toFixed(2)} ms beside hostile JSONata, ×${(after / before).toFixed(2)}`;
    })
    .join("   ");
}

function percentile(times: readonly number[], percent: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? 0;
}
