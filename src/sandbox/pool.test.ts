import { getEventListeners } from "node:events";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CallerPath } from "@/src/core/access/caller-path";
import { isAppError } from "@/src/shared/errors";
import { until } from "@/tests/support/until";
import type { Job } from "./messages";
import { createPool, type Pool } from "./pool";
import { createCpuBudget } from "./worker/cpu-budget";

const NO_BUDGET = createCpuBudget({ msPerMinute: 0, now: () => 0 });
const JOB: Job = { kind: "check_schema", schema: "{}" };
/** The start of a worker's script: reports `ready`, and exits with its parent. */
const READY = `process.send({ type: "ready" }); process.on("disconnect", () => process.exit());`;
const ANSWER = `process.send({ type: "answer", id, answer: { outcome: "nothing" } }); process.send({ type: "ready" });`;

let folder: string;
let pool: Pool | undefined;
let warned: string[];

beforeEach(() => {
  folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), "rested-pool-")));
  warned = [];
});
afterEach(async () => {
  await pool?.close();
  rmSync(folder, { recursive: true });
});

function write(source: string, name = "worker.mjs"): string {
  const file = path.join(folder, name);
  writeFileSync(file, source);
  return file;
}

function create(findScript: () => Promise<string>, timeoutMs = 300): Pool {
  const settings = { kind: "schema" as const, timeoutMs, memoryBytesMax: 16 * 1024 * 1024, resultBytesMax: 1024 };
  pool = createPool({ budget: NO_BUDGET, size: 2, settings, findScript, log: { warn: (_, message) => void warned.push(message) } });
  return pool;
}

const note = (_: object, message: string): void => void warned.push(message);
const ask = (of: Pool) => of.run({ prepare: () => JOB, length: 0 });

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => new Error("It was not refused."),
    (reason: unknown) => reason,
  );
  if (!isAppError(error)) throw error;
  return error.code;
}

/** A signal with the number of its listeners. */
function countListeners(): { signal: AbortSignal; count: () => number } {
  const { signal } = new AbortController();
  return { signal, count: () => getEventListeners(signal, "abort").length };
}

const codeOrAnswer = (promise: Promise<unknown>) => promise.catch((error: unknown) => (isAppError(error) ? error.code : error));

describe("a pool", () => {
  it("[R6] without a script refuses jobs, and looks again for the next job", async () => {
    const script = write(`${READY} process.on("message", ({ id }) => { ${ANSWER} });`);
    let isThere = false;
    const of = create(() => (isThere ? Promise.resolve(script) : Promise.reject(new Error("no script"))));
    expect(await Promise.all([codeOf(ask(of)), codeOf(ask(of))])).toEqual(["server_busy", "server_busy"]);
    expect(warned).toContain("no sandbox worker can be started");
    isThere = true;
    expect(await ask(of)).toEqual({ outcome: "nothing" });
  });

  it("[R6] refuses jobs if workers die before they are ready, and does not start them indefinitely", async () => {
    const script = write("process.exit(1);");
    expect(await codeOf(ask(create(() => Promise.resolve(script))))).toBe("server_busy");
  });

  it("[R6] kills a worker that does not stop by itself, settles its job, and goes on with another", async () => {
    const script = write(`${READY} process.on("message", ({ id, job }) => { if (job.schema === "hang") for (;;); ${ANSWER} });`);
    const of = create(() => Promise.resolve(script));
    const hang = of.run({ prepare: () => ({ kind: "check_schema", schema: "hang" }), length: 0 });
    expect(await hang).toEqual({ outcome: "limit", limit: "time" });
    expect(warned).toContain("terminating a sandbox worker");
    expect(await ask(of)).toEqual({ outcome: "nothing" });
  });

  it("[R6] kills a worker once it has used 1.5 times the CPU time of its limit, and not before", async () => {
    const script = write(`${READY} process.on("message", ({ id, job }) => { if (job.schema === "hang") for (;;); ${ANSWER} });`);
    const settings = { kind: "schema" as const, timeoutMs: 100, memoryBytesMax: 16 * 1024 * 1024, resultBytesMax: 1024 };
    // The CPU times of the first worker, as the parent reads them after the worker is idle.
    const times = [5000, 5100, 5149, 5150];
    let reads = 0;
    const readCpuTime = () => times[Math.min(reads++, times.length - 1)];
    pool = createPool({
      budget: NO_BUDGET,
      size: 1,
      settings,
      findScript: () => Promise.resolve(script),
      log: { warn: note },
      readCpuTime,
    });
    const hang = pool.run({ prepare: () => ({ kind: "check_schema", schema: "hang" }), length: 0 });
    expect(await hang).toEqual({ outcome: "limit", limit: "time" });
    expect(reads).toBeGreaterThanOrEqual(times.length);
    expect(warned.filter((message) => message === "terminating a sandbox worker")).toHaveLength(1);
    expect(await ask(pool)).toEqual({ outcome: "nothing" });
  });

  it("[R6] distinguishes a job that got no CPU time from one that used too much", async () => {
    const script = write(`${READY} process.on("message", () => undefined);`);
    const settings = { kind: "schema" as const, timeoutMs: 10, memoryBytesMax: 16 * 1024 * 1024, resultBytesMax: 1024 };
    const options = { size: 1, settings, findScript: () => Promise.resolve(script), log: { warn: note } };
    pool = createPool({ budget: NO_BUDGET, ...options, readCpuTime: () => 5000 });
    expect(await ask(pool)).toEqual({ outcome: "starved" });
    await pool.close();
    // If CPU times cannot be read, only the elapsed time counts.
    pool = createPool({ budget: NO_BUDGET, ...options, readCpuTime: () => undefined });
    expect(await ask(pool)).toEqual({ outcome: "limit", limit: "time" });
  });

  it("[R6] gives a job whose worker ended before it began to another worker, but not a job that killed two", async () => {
    const good = write(`${READY} process.on("message", ({ id }) => { process.send({ type: "begun", id }); ${ANSWER} });`);
    const deadly = write(`${READY} process.on("message", () => process.exit(1));`, "deadly.mjs");
    let deadlyStarts = 1;
    const settings = { kind: "schema" as const, timeoutMs: 60_000, memoryBytesMax: 16 * 1024 * 1024, resultBytesMax: 1024 };
    const findScript = () => Promise.resolve(deadlyStarts-- > 0 ? deadly : good);
    pool = createPool({ budget: NO_BUDGET, size: 1, settings, findScript, log: { warn: () => undefined } });
    expect(await ask(pool)).toEqual({ outcome: "nothing" });
    await pool.close();
    deadlyStarts = 2;
    pool = createPool({ budget: NO_BUDGET, size: 1, settings, findScript, log: { warn: () => undefined } });
    expect(await ask(pool)).toEqual({ outcome: "limit", limit: "memory" });
    expect(await ask(pool)).toEqual({ outcome: "nothing" });
  });

  it("[R6] does not trust a worker that sends an unknown message", async () => {
    const script = write(
      `${READY} process.on("message", ({ id }) => process.send({ type: "answer", id, answer: { outcome: "text", text: 1 } }));`,
    );
    expect(await ask(create(() => Promise.resolve(script), 60_000))).toEqual({ outcome: "limit", limit: "time" });
  });

  it.each([
    ["twice", ""],
    ["again when it is idle", `setImmediate(() => process.send({ type: "answer", id, answer: FORGED }));`],
    ["ahead", `process.send({ type: "answer", id: "next", answer: FORGED });`],
  ])("[R6] a worker that responds %s cannot respond for another job", async (_, more) => {
    const forged = `const FORGED = { outcome: "text", text: "forged" };`;
    const again = more === "" ? `process.send({ type: "answer", id, answer: FORGED });` : more;
    const script = write(`${forged} ${READY} process.on("message", ({ id }) => { ${ANSWER} ${again} });`);
    const of = create(() => Promise.resolve(script), 60_000);
    for (let round = 0; round < 5; round += 1) expect(["nothing", "limit"]).toContain((await ask(of)).outcome);
    expect(warned).toContain("terminating a sandbox worker");
  });

  it("[R6] releases what waiting jobs held when it refuses them", async () => {
    const deadly = write("process.exit(1);", "deadly.mjs");
    const good = write(`${READY} process.on("message", ({ id }) => { ${ANSWER} });`);
    let script = deadly;
    const settings = { kind: "schema" as const, timeoutMs: 60_000, memoryBytesMax: 16 * 1024 * 1024, resultBytesMax: 1024 };
    pool = createPool({ budget: NO_BUDGET, size: 1, settings, findScript: () => Promise.resolve(script), log: { warn: () => undefined } });
    const of = pool;
    const accounts = Array.from({ length: 4 }, (_, n) => [`account ${n}`, "project", "caller"] as const);
    const { signal, count } = countListeners();
    const large = accounts.map((caller) => codeOf(of.run({ prepare: () => JOB, length: 16 * 1024 * 1024, caller, signal })));
    expect(await Promise.all(large)).toEqual(large.map(() => "server_busy"));
    expect(count()).toBe(0);
    script = good;
    const next = accounts.map((caller) => of.run({ prepare: () => JOB, length: 16 * 1024 * 1024, caller }));
    expect(await Promise.all(next)).toEqual(next.map(() => ({ outcome: "nothing" })));
  });

  it("[R6] limits what it holds for one account, and leaves room for others", async () => {
    const of = create(() => new Promise(() => undefined));
    const hold = (account: string, caller: string) =>
      codeOf(of.run({ prepare: () => JOB, length: 4 * 1024 * 1024, caller: [account, "project", caller] }));
    const waiting = [hold("greedy", "a"), hold("greedy", "a"), hold("greedy", "b")];
    expect([await hold("greedy", "a"), await hold("greedy", "b")]).toEqual(["server_busy", "server_busy"]);
    waiting.push(hold("other", "a"));
    await of.close();
    expect(await Promise.all(waiting)).toEqual(waiting.map(() => "server_shutdown"));
  });

  it("[R6] serves jobs round robin by account, project and caller", async () => {
    const script = write(`${READY} process.on("message", ({ id }) => { ${ANSWER} });`);
    const settings = { kind: "schema" as const, timeoutMs: 60_000, memoryBytesMax: 16 * 1024 * 1024, resultBytesMax: 1024 };
    pool = createPool({ budget: NO_BUDGET, size: 1, settings, findScript: () => Promise.resolve(script), log: { warn: () => undefined } });
    const order: string[] = [];
    const jobs = [
      ...Array.from({ length: 8 }, (_, n) => ["greedy", `project ${n}`, "key"] as const),
      ["modest", "one", "loud"],
      ["modest", "one", "loud"],
      ["modest", "one", "quiet"],
      ["modest", "two", "key"],
    ].map((path) => [path[0] ?? "", path[1] ?? "", path[2] ?? ""] as const);
    const of = pool;
    await Promise.all(
      jobs.map((caller) => {
        const prepare = () => {
          order.push(caller.join(" "));
          return JOB;
        };
        return of.run({ prepare, length: 0, caller });
      }),
    );
    expect(order.slice(0, 8).filter((_, turn) => turn % 2 === 0)).toEqual([0, 1, 2, 3].map((n) => `greedy project ${n} key`));
    expect(order.slice(0, 8).filter((_, turn) => turn % 2 === 1)).toEqual([
      "modest one loud",
      "modest two key",
      "modest one quiet",
      "modest one loud",
    ]);
  });

  it("[R6] keeps the caller and the signal of a job that is run again", async () => {
    const good = write(`${READY} process.on("message", ({ id }) => { ${ANSWER} });`);
    const deadly = write(`${READY} process.on("message", () => process.exit(1));`, "deadly.mjs");
    const settings = { kind: "schema" as const, timeoutMs: 60_000, memoryBytesMax: 16 * 1024 * 1024, resultBytesMax: 1024 };
    let starts = 0;
    let found: () => void = () => undefined;
    // The script of the second worker is never found, so the retried job waits.
    const findScript = (): Promise<string> => {
      starts += 1;
      if (starts === 1) return Promise.resolve(deadly);
      return new Promise((resolve) => {
        found = () => resolve(good);
      });
    };
    pool = createPool({ budget: NO_BUDGET, size: 1, settings, findScript, log: { warn: () => undefined } });
    const controller = new AbortController();
    const caller = ["account", "project", "caller"] as const;
    const job = pool.run({ prepare: () => JOB, length: 0, caller, signal: controller.signal }).catch((error: unknown) => error);
    await until("the second start", () => starts === 2);
    controller.abort(new Error("gone"));
    expect(await job).toEqual(new Error("gone"));
    found();
  });

  it("[R6] keeps a worker free for light callers, regardless of the number of heavy callers", async () => {
    // Workers that never respond.
    const script = write(`${READY} process.on("message", () => undefined);`);
    const order: string[] = [];
    const budget = { ...NO_BUDGET, isHeavy: ([account]: CallerPath) => account.startsWith("heavy") };
    const settings = { kind: "schema" as const, timeoutMs: 60_000, memoryBytesMax: 16 * 1024 * 1024, resultBytesMax: 1024 };
    pool = createPool({ size: 3, settings, findScript: () => Promise.resolve(script), log: { warn: note }, budget });
    const of = pool;
    const send = (account: string) =>
      codeOrAnswer(
        of.run({
          prepare: () => {
            order.push(account);
            return JOB;
          },
          length: 0,
          caller: [account, "project", "caller"],
        }),
      );
    const sent = [...Array.from({ length: 8 }, (_, n) => send(`heavy ${n}`)), send("light")];
    await until("three jobs", () => order.length === 3);
    expect(order.toSorted()).toEqual(["heavy 0", "heavy 1", "light"]);
    await of.close();
    await Promise.all(sent);
  });

  it("[R6] gives one account its share of the workers, and starts the rest for others", async () => {
    const script = write(`${READY} process.on("message", () => undefined);`);
    const order: string[] = [];
    const settings = { kind: "schema" as const, timeoutMs: 60_000, memoryBytesMax: 16 * 1024 * 1024, resultBytesMax: 1024 };
    const findScript = () => Promise.resolve(script);
    pool = createPool({ size: 3, accountMax: 2, settings, findScript, log: { warn: note }, budget: NO_BUDGET });
    const of = pool;
    const send = (account: string, project: string) => {
      const prepare = () => {
        order.push(account);
        return JOB;
      };
      return codeOrAnswer(of.run({ prepare, length: 0, caller: [account, project, "caller"] }));
    };
    const sent = Array.from({ length: 8 }, (_, n) => send("greedy", `project ${n}`));
    await until("its part", () => order.length === 2);
    sent.push(send("other", "project"));
    await until("the other's turn", () => order.length === 3);
    expect(order).toEqual(["greedy", "greedy", "other"]);
    await of.close();
    await Promise.all(sent);
  });

  it("[R6] recognizes a long job by its CPU time while it runs, not by the clock", async () => {
    const script = write(`${READY} process.on("message", () => undefined);`);
    const long: string[] = [];
    const order: string[] = [];
    // The number of reads by process. The job of the first worker computes; the job of the second one waits for the processor.
    const reads = new Map<number, number>();
    const readCpuTime = (pid: number) => {
      const count = reads.get(pid) ?? 0;
      reads.set(pid, count + 1);
      return [...reads.keys()][0] === pid && count > 0 ? 160 : 0;
    };
    const budget = { ...NO_BUDGET, noteLong: ([account]: CallerPath) => void long.push(account) };
    const settings = { kind: "schema" as const, timeoutMs: 60_000, memoryBytesMax: 16 * 1024 * 1024, resultBytesMax: 1024 };
    const findScript = () => Promise.resolve(script);
    pool = createPool({ size: 2, settings, findScript, log: { warn: note }, budget, readCpuTime });
    const of = pool;
    const send = (account: string) => {
      const prepare = () => {
        order.push(account);
        return JOB;
      };
      return codeOrAnswer(of.run({ prepare, length: 0, caller: [account, "project", "caller"] }));
    };
    const sent = [send("computes")];
    await until("a long job", () => long.length === 1);
    sent.push(send("waits"));
    await until("the other's turn", () => order.length === 2);
    await until("a look at the other", () => ([...reads.values()][1] ?? 0) >= 3);
    expect(long).toEqual(["computes"]);
    await of.close();
    await Promise.all(sent);
  });

  it("[R6] gives heavy callers every second turn, regardless of their number", async () => {
    const script = write(`${READY} process.on("message", ({ id }) => { ${ANSWER} });`);
    const order: string[] = [];
    const budget = { ...NO_BUDGET, isHeavy: ([account]: CallerPath) => account.startsWith("heavy") };
    const settings = { kind: "schema" as const, timeoutMs: 60_000, memoryBytesMax: 16 * 1024 * 1024, resultBytesMax: 1024 };
    pool = createPool({ size: 1, settings, findScript: () => Promise.resolve(script), log: { warn: note }, budget });
    const of = pool;
    const send = (account: string) => {
      const prepare = () => {
        order.push(account);
        return JOB;
      };
      return of.run({ prepare, length: 0, caller: [account, "project", "caller"] });
    };
    await Promise.all(["heavy 0", "heavy 1", "heavy 2", "light", "light"].map(send));
    expect(order).toEqual(["light", "heavy 0", "light", "heavy 1", "heavy 2"]);
  });

  it("[R6] charges the CPU time of removing a job's traces, beyond the free amount", async () => {
    const script = write(`${READY} process.on("message", ({ id }) => { ${ANSWER} });`);
    const charged: [string, number][] = [];
    const budget = { ...NO_BUDGET, charge: ([account]: CallerPath, cpuMs: number) => void (cpuMs > 0 && charged.push([account, cpuMs])) };
    let time = 1_000;
    const settings = { kind: "schema" as const, timeoutMs: 60_000, memoryBytesMax: 16 * 1024 * 1024, resultBytesMax: 1024 };
    const readCpuTime = () => time;
    pool = createPool({ size: 1, settings, findScript: () => Promise.resolve(script), log: { warn: note }, budget, readCpuTime });
    const of = pool;
    const send = (account: string, after: number) => {
      // Called when the worker is idle.
      const prepare = () => {
        time = after;
        return JOB;
      };
      return of.run({ prepare, length: 0, caller: [account, "project", "caller"] });
    };
    await send("light", 1_010);
    await send("leaves much", 2_010);
    await until("all is charged", () => charged.length > 0);
    const [[account, cpuMs] = ["", 0], ...others] = charged;
    expect([account, others]).toEqual(["leaves much", []]);
    expect(cpuMs).toBeGreaterThan(500);
    expect(cpuMs).toBeLessThanOrEqual(980);
  });

  it("[R6] refuses callers without budget, including those whose jobs already wait, with the time of the next attempt", async () => {
    const script = write(`${READY} process.on("message", ({ id }) => { ${ANSWER} });`);
    const charged: string[] = [];
    let isSpent = false;
    const budget = {
      ...NO_BUDGET,
      waitMs: ([account]: CallerPath) => (isSpent && account === "spender" ? 1_500 : 0),
      charge: ([account]: CallerPath) => void charged.push(account),
    };
    const settings = { kind: "schema" as const, timeoutMs: 60_000, memoryBytesMax: 16 * 1024 * 1024, resultBytesMax: 1024 };
    pool = createPool({ size: 1, settings, findScript: () => Promise.resolve(script), log: { warn: note }, budget });
    const of = pool;
    const send = (account: string, prepare = () => JOB) => of.run({ prepare, length: 0, caller: [account, "project", "caller"] });
    const first = send("spender", () => {
      isSpent = true;
      return JOB;
    });
    const waiting = codeOf(send("spender"));
    const other = send("other");
    expect(await Promise.all([first, waiting, other])).toEqual([{ outcome: "nothing" }, "rate_limited", { outcome: "nothing" }]);
    expect(await send("spender").catch((error: unknown) => error)).toMatchObject({ code: "rate_limited", retryAfterSeconds: 2 });
    expect(charged).toEqual(["spender", "other"]);
  });

  it("[R6] a caller is heavy after a first job that used much CPU time", async () => {
    const script = write(`${READY} process.on("message", ({ id }) => { ${ANSWER} });`);
    const order: string[] = [];
    let isHeavy = false;
    const budget = { ...NO_BUDGET, isHeavy: ([account]: CallerPath) => isHeavy && account === "bomber" };
    const settings = { kind: "schema" as const, timeoutMs: 60_000, memoryBytesMax: 16 * 1024 * 1024, resultBytesMax: 1024 };
    pool = createPool({ size: 1, settings, findScript: () => Promise.resolve(script), log: { warn: note }, budget });
    const of = pool;
    const send = (account: string) => {
      const prepare = () => {
        order.push(account);
        isHeavy = true;
        return JOB;
      };
      return of.run({ prepare, length: 0, caller: [account, "project", "caller"] });
    };
    await Promise.all([send("bomber"), send("bomber"), send("bomber"), send("a"), send("b")]);
    expect(order).toEqual(["bomber", "a", "b", "bomber", "bomber"]);
  });

  it("[R6] refuses waiting jobs when it is closed", async () => {
    const of = create(() => Promise.resolve(write(READY)), 60_000);
    const asked = [codeOf(ask(of)), codeOf(ask(of)), codeOf(ask(of))];
    await of.close();
    expect(await Promise.all(asked)).toEqual(["server_shutdown", "server_shutdown", "server_shutdown"]);
    expect(await codeOf(ask(of))).toBe("server_shutdown");
  });
});
