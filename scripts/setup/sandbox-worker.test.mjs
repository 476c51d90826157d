import { fork } from "node:child_process";
import { on, once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleWorker } from "./build.mjs";

let folder;
let script;

beforeAll(async () => {
  // A folder without packages.
  folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "rested-worker-")));
  script = path.join(folder, "sandbox-worker.mjs");
  await bundleWorker(script);
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

/** Sends one job to a new worker. */
async function ask(kind, job) {
  const settings = JSON.stringify({ kind, timeoutMs: 10_000, memoryBytesMax: 64 * 1024 * 1024, resultBytesMax: 1024 * 1024 });
  // The flag's name depends on the version of Node.js.
  const permission = ["--permission", "--experimental-permission"].find((name) => process.allowedNodeEnvironmentFlags.has(name));
  expect(permission).toBeDefined();
  const flags = ["--no-warnings", "--stack-size=3900", permission, `--allow-fs-read=${script}`];
  const worker = fork(script, [settings], { execArgv: flags, serialization: "advanced", cwd: folder, env: {} });
  const messages = on(worker, "message");
  const next = async () => (await messages.next()).value[0];
  expect(await next()).toEqual({ type: "ready" });
  worker.send({ id: "1", job });
  expect(await next()).toEqual({ type: "begun", id: "1" });
  const report = await next();
  expect(report).toMatchObject({ type: "answer", id: "1" });
  worker.disconnect();
  await once(worker, "exit");
  return report.answer;
}

describe("the built sandbox worker", () => {
  test("[R6] evaluates expressions without any other file", async () => {
    const answer = await ask("jsonata", { kind: "evaluate", expression: "$sum(a)", input: '{"a":[1,2]}' });
    expect(answer).toEqual({ outcome: "text", text: "3" });
  });

  test("[R10] checks schemas without any other file", async () => {
    expect(await ask("schema", { kind: "validate", schema: '{"format":"email"}', bodies: ['"a@example.com"'] })).toEqual({
      outcome: "nothing",
    });
    expect(await ask("schema", { kind: "validate", schema: "false", bodies: ["1"] })).toMatchObject({ outcome: "mismatch", index: 0 });
  });
});
