/** JSONata and JSON Schema in the production build: the server finds its worker file, and workers end with the server. */
import { execFileSync } from "node:child_process";
import { expect, test } from "playwright/test";
import { unlessBusy } from "@/tests/support/unless-busy";
import { type RunningServer, startServer } from "../support/server";

const PATH = "/api/1/ce/examples/unsecure-endpoint?key=d59eb2859c284168ac48aef65046d5dd";
const ENDLESS = "( $f := function($n){ $f($n) }; $f(1) )";

let server: RunningServer;

test.beforeEach(async () => {
  server = await startServer({ env: { RESTED_DEMO: "1" } });
});
test.afterEach(() => server.dispose());

const evaluate = (expression: string): Promise<Response> => fetch(`${server.url}${PATH}&jsonata=${encodeURIComponent(expression)}`);

function workers(parent: number): number[] {
  const lines = execFileSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8" }).split("\n");
  return lines.flatMap((line) => {
    const [, pid, of, args = ""] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return Number(of) === parent && args.includes("dist/sandbox-worker.mjs") ? [Number(pid)] : [];
  });
}

const isRunning = (pid: number): boolean => {
  const lines = execFileSync("ps", ["-eo", "pid=,stat="], { encoding: "utf8" }).split("\n");
  return lines.some((line) => new RegExp(`^\\s*${pid}\\s+[^Z]`).test(line));
};

test("[R6] expressions are evaluated, and endless ones are stopped", async () => {
  const init = { method: "POST", headers: { "Content-Type": "application/json" } };
  for (const price of [2, 3]) await fetch(`${server.url}${PATH}`, { ...init, body: JSON.stringify({ price }) });
  expect(await (await evaluate("$sum(data.price)")).json()).toBe(5);
  const [endless, plain] = await Promise.all([
    unlessBusy(
      () => evaluate(ENDLESS),
      ({ status }) => status === 503,
    ),
    fetch(`${server.url}${PATH}`),
  ]);
  expect(plain.status).toBe(200);
  expect([endless.status, ((await endless.json()) as { code: string }).code]).toEqual([400, "jsonata_limit"]);
});

test("[R6] workers end with the server, even if it is killed while they work", async () => {
  expect(await (await evaluate("1")).json()).toBe(1);
  const pending = evaluate(ENDLESS).catch(() => undefined);
  const pids = workers(server.pid);
  expect(pids.length).toBeGreaterThan(0);
  await server.kill();
  await pending;
  // Workers notice it when their time is up, which takes long on a busy machine.
  await expect.poll(() => pids.filter(isRunning), { timeout: 30_000 }).toEqual([]);
});
