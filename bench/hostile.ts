/**
 * Measures how hostile callers affect their neighbours. Eight callers attack (bench/hostile/attacks.ts). Four neighbours with a
 * project of their own send plain GETs, POSTs and logins, read filtered streams and load a dashboard page, with and without the
 * attack, in turns within one run. The server is the production build (`npm start` builds it) with its default limits, and trusts
 * the callers' addresses as if behind a proxy. Attackers and neighbours are separate processes. Prints the neighbours' p99 with and
 * without the attack, their failures, and the server's memory.
 * Run: npm run bench -- hostile [attack …] [--seconds 6] [--turns 3] [--heap MB]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import os from "node:os";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ATTACKS, type AttackName, attack } from "./hostile/attacks";
import { KINDS, type Measured, measureNeighbours } from "./hostile/neighbours";
import { startServer } from "./hostile/server";
import { createWorld, type World } from "./hostile/world";
import { toPercentiles } from "./load/percentiles";

/** The time that an attack runs before the neighbours are measured, and the time that its last requests may take to end. */
const BEFORE_MS = 2_000;
const AFTER_MS = 5_000;
const ATTACKERS_PRIORITY = 19;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "6" },
    turns: { type: "string", default: "3" },
    heap: { type: "string" },
    role: { type: "string" },
    world: { type: "string", default: "{}" },
  },
});
const isAttack = (name: string): name is AttackName => Object.hasOwn(ATTACKS, name);

if (values.role === "neighbours") {
  console.log(JSON.stringify(await measureNeighbours(JSON.parse(values.world) as World, Number(values.seconds))));
  process.exit();
} else if (values.role === "attack") {
  const [name = ""] = positionals;
  if (isAttack(name)) await attack(JSON.parse(values.world) as World, name);
} else {
  const names = positionals.length > 0 ? positionals : Object.keys(ATTACKS);
  const unknown = names.filter((name) => !isAttack(name));
  if (unknown.length > 0) throw new Error(`There is no attack ${unknown.join(", ")}. The attacks: ${Object.keys(ATTACKS).join(", ")}.`);
  for (const name of names) await run(name);
}

/** Runs one attack on a new server. */
async function run(name: string): Promise<void> {
  const server = await startServer({ heapMegabytes: values.heap });
  try {
    const world = JSON.stringify(await createWorld(server.origin, server.setupUrl));
    const measure = async () =>
      JSON.parse(await firstLine(start("--role", "neighbours", "--seconds", values.seconds, "--world", world))) as Measured;
    await measure(); // warm-up
    const all: Record<"quiet" | "hostile", Measured[]> = { quiet: [], hostile: [] };
    const before = server.memoryBytes();
    for (let turn = 1; turn <= Number(values.turns); turn += 1) {
      all.quiet.push(await measure());
      const attackers = start(name, "--role", "attack", "--world", world);
      // Real attackers compute elsewhere, so these only get the CPU time that the server and the neighbours leave.
      if (attackers.pid !== undefined) os.setPriority(attackers.pid, ATTACKERS_PRIORITY);
      await delay(BEFORE_MS);
      all.hostile.push(await measure());
      attackers.kill("SIGKILL");
      await delay(AFTER_MS);
    }
    console.log(toReport(name, all, { before, peak: server.peakBytes(), after: server.memoryBytes() }, server));
  } catch (error) {
    console.log(`${name}: ${error instanceof Error ? error.message : String(error)}${server.isRunning() ? "" : " (the server has ended)"}`);
  } finally {
    await server.stop();
  }
}

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, ["--import", "tsx", import.meta.filename, ...args], { stdio: ["ignore", "pipe", "inherit"] });
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error("There is nothing to read.");
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, "exit").then(() => {
    throw new Error("The neighbours could not be measured.");
  });
  const [line] = (await Promise.race([once(lines, "line"), ended])) as [string];
  ended.catch(() => undefined);
  return line;
}

function toReport(
  name: string,
  { quiet, hostile }: Record<"quiet" | "hostile", Measured[]>,
  memory: { before: number; peak: number; after: number },
  server: { isRunning: () => boolean; errors: () => number },
): string {
  const rows = KINDS.map((kind) => {
    const [calm, beside] = [quiet, hostile].map((measured) => measured.flatMap((turn) => turn[kind].times));
    const [p99, p99Beside] = [toPercentiles(calm ?? []).p99, toPercentiles(beside ?? []).p99];
    const failures = hostile.flatMap((turn) => turn[kind].failures);
    const failed = `${failures.length} of ${beside?.length ?? 0}${failures.length > 0 ? `, e.g. ${failures[0]}` : ""}`;
    return `| ${name} | ${kind} | ${p99.toFixed(1)} | ${p99Beside.toFixed(1)} | ${(p99Beside / p99).toFixed(2)} | ${failed} |`;
  });
  const [before, peak, after] = [memory.before, memory.peak, memory.after].map((bytes) => Math.round(bytes / 1024 / 1024));
  rows.push(
    `${name}: memory ${before} MB before, ${peak} MB at most, ${after} MB after; ${server.errors()} errors logged${server.isRunning() ? "" : "; the server has ended"}`,
  );
  return rows.join("\n");
}
