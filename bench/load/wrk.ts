/** Runs wrk for the closed loop: it costs about 12 µs of CPU time for each request, and our generator 15 µs. */
import { execFile, execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import type { LoadResult, LoadTask } from "./run-load";

const HOST = "127.0.0.1";

export function hasWrk(): boolean {
  try {
    execFileSync("wrk", ["-v"], { stdio: "ignore" });
    return true;
  } catch (error) {
    // Without arguments that it accepts, wrk ends with 1.
    return !(error instanceof Error && "code" in error && error.code === "ENOENT");
  }
}

/** Throws if a response has another status than the task allows, as far as wrk tells: it counts those that are not 2xx or 3xx. */
export async function runWrk(task: LoadTask): Promise<LoadResult> {
  const script = path.join(os.tmpdir(), `rested-bench-${process.pid}.lua`);
  const requests = task.requests.map((request) => JSON.stringify(request).replaceAll("\\r", "\r").replaceAll("\r", "\\r")).join(",\n");
  fs.writeFileSync(
    script,
    `local requests = {\n${requests}\n}\nlocal at = math.random(#requests)\nfunction request()\n  at = at % #requests + 1\n  return requests[at]\nend\n`,
  );
  try {
    const args = [
      "-t1",
      `-c${task.connections}`,
      `-d${Math.max(1, Math.round(task.seconds))}s`,
      "--latency",
      "-s",
      script,
      `http://${HOST}:${task.port}/`,
    ];
    const { stdout } = await promisify(execFile)("wrk", args);
    const count = Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0);
    const others = Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0);
    const expected = task.statuses.every((status) => status >= 400) ? count : 0;
    if (Math.abs(others - expected) > task.connections || /Socket errors: .*[1-9]/.test(stdout)) throw new Error(stdout);
    const latency = { count, p50: toMs(stdout, 50), p99: toMs(stdout, 99), max: Number.NaN };
    return { perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]), latency, cpuSeconds: Number.NaN };
  } finally {
    fs.rmSync(script, { force: true });
  }
}

function toMs(output: string, percentile: number): number {
  const [, value, unit] = new RegExp(`^\\s+${percentile}%\\s+([\\d.]+)(us|ms|s)`, "m").exec(output) ?? [];
  return Number(value) * (unit === "us" ? 0.001 : unit === "s" ? 1_000 : 1);
}
