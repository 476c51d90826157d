import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isAppError } from "@/src/shared/errors";
import type { Job } from "./messages";
import { createPool, type Pool } from "./pool";

const JOB: Job = { kind: "check_schema", schema: "{}" };
/** Reports as a worker does. */
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
  const settings = { kind: "schema" as const, timeoutMs, memoryBytesMax: 16 * 1024 * 1024 };
  pool = createPool({ size: 2, settings, findScript, log: { warn: (_, message) => void warned.push(message) } });
  return pool;
}

const ask = (of: Pool) => of.run({ prepare: () => JOB, length: 0 });

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => new Error("It was not refused."),
    (reason: unknown) => reason,
  );
  if (!isAppError(error)) throw error;
  return error.code;
}

describe("a pool", () => {
  it("[R6] whose script can't be found refuses, and tries again with the next job", async () => {
    const script = write(`${READY} process.on("message", ({ id }) => { ${ANSWER} });`);
    let isThere = false;
    const of = create(() => (isThere ? Promise.resolve(script) : Promise.reject(new Error("no script"))));
    expect(await Promise.all([codeOf(ask(of)), codeOf(ask(of))])).toEqual(["internal_error", "internal_error"]);
    isThere = true;
    expect(await ask(of)).toEqual({ outcome: "nothing" });
  });

  it("[R6] whose workers die before they are ready refuses, rather than to start them for ever", async () => {
    const script = write("process.exit(1);");
    expect(await codeOf(ask(create(() => Promise.resolve(script))))).toBe("internal_error");
  });

  it("[R6] kills a worker that does not stop by itself, answers its job, and goes on with another", async () => {
    const script = write(`${READY} process.on("message", ({ id, job }) => { if (job.schema === "hang") for (;;); ${ANSWER} });`);
    const of = create(() => Promise.resolve(script));
    const hang = of.run({ prepare: () => ({ kind: "check_schema", schema: "hang" }), length: 0 });
    expect(await hang).toEqual({ outcome: "limit", limit: "time" });
    expect(warned).toContain("a sandbox worker is ended");
    expect(await ask(of)).toEqual({ outcome: "nothing" });
  });

  it("[R6] gives a job whose worker is gone before it began to another, and one that kills two of them to none", async () => {
    const good = write(`${READY} process.on("message", ({ id }) => { process.send({ type: "begun", id }); ${ANSWER} });`);
    const deadly = write(`${READY} process.on("message", () => process.exit(1));`, "deadly.mjs");
    let deadlyStarts = 1;
    const settings = { kind: "schema" as const, timeoutMs: 60_000, memoryBytesMax: 16 * 1024 * 1024 };
    const findScript = () => Promise.resolve(deadlyStarts-- > 0 ? deadly : good);
    pool = createPool({ size: 1, settings, findScript, log: { warn: () => undefined } });
    expect(await ask(pool)).toEqual({ outcome: "nothing" });
    await pool.close();
    deadlyStarts = 2;
    pool = createPool({ size: 1, settings, findScript, log: { warn: () => undefined } });
    expect(await ask(pool)).toEqual({ outcome: "limit", limit: "memory" });
    expect(await ask(pool)).toEqual({ outcome: "nothing" });
  });

  it("[R6] does not believe a worker that says what none says", async () => {
    const script = write(
      `${READY} process.on("message", ({ id }) => process.send({ type: "answer", id, answer: { outcome: "text", text: 1 } }));`,
    );
    expect(await ask(create(() => Promise.resolve(script), 60_000))).toEqual({ outcome: "limit", limit: "time" });
  });

  it.each([
    ["twice", ""],
    ["again when it is idle", `setImmediate(() => process.send({ type: "answer", id, answer: FORGED }));`],
    ["ahead", `process.send({ type: "answer", id: "next", answer: FORGED });`],
  ])("[R6] a worker that answers %s does not answer for another job", async (_, more) => {
    const forged = `const FORGED = { outcome: "text", text: "forged" };`;
    const again = more === "" ? `process.send({ type: "answer", id, answer: FORGED });` : more;
    const script = write(`${forged} ${READY} process.on("message", ({ id }) => { ${ANSWER} ${again} });`);
    const of = create(() => Promise.resolve(script), 60_000);
    for (let round = 0; round < 5; round += 1) expect(["nothing", "limit"]).toContain((await ask(of)).outcome);
    expect(warned).toContain("a sandbox worker is ended");
  });

  it("[R6] that is closed refuses what waits", async () => {
    const of = create(() => Promise.resolve(write(READY)), 60_000);
    const asked = [codeOf(ask(of)), codeOf(ask(of)), codeOf(ask(of))];
    await of.close();
    expect(await Promise.all(asked)).toEqual(["server_shutdown", "server_shutdown", "server_shutdown"]);
    expect(await codeOf(ask(of))).toBe("server_shutdown");
  });
});
