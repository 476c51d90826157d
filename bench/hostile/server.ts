/** The server of the benchmarks that measure neighbours. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { readStartFlags } from "../support/start-flags";

const MEMORY_INTERVAL_MS = 250;

/** Starts the production build with an empty database and its default limits. It believes the addresses that clients send, as if behind a proxy. */
export async function startServer({ heapMegabytes }: { heapMegabytes?: string | undefined } = {}) {
  const dir = mkdtempSync(path.join(os.tmpdir(), "rested-bench-"));
  const child = spawn(
    process.execPath,
    [...readStartFlags("."), ...(heapMegabytes ? [`--max-old-space-size=${heapMegabytes}`] : []), "dist/server.js"],
    {
      env: {
        PATH: process.env.PATH,
        NODE_ENV: "production",
        ...{ HOST: "127.0.0.1", PORT: "0", TRUST_PROXY: "loopback" },
        ...{ RESTED_DATA_DIR: dir, RESTED_SIGNUP: "open", RESTED_LOG_LEVEL: "error" },
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let printed = "";
  let errors = 0;
  createInterface({ input: child.stderr }).on("line", () => {
    errors += 1;
  });
  const ended = once(child, "exit");
  const ready = new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      printed += `${line}\n`;
      if (/setup\?token=/.test(line)) resolve(line);
    });
    void ended.then(() => reject(new Error(`The server ended:\n${printed}`)));
  });
  const setupUrl = /https?:\/\/\S+/.exec(await ready)?.[0] ?? "";
  const memoryBytes = () => Number(/VmRSS:\s+(\d+)/.exec(readStatus(child.pid))?.[1] ?? 0) * 1024;
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, memoryBytes());
  }, MEMORY_INTERVAL_MS);
  return {
    origin: new URL(setupUrl).origin,
    setupUrl,
    memoryBytes,
    peakBytes: () => peak,
    /** The number of errors that it has logged. */
    errors: () => errors,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    stop: async () => {
      clearInterval(timer);
      child.kill("SIGTERM");
      const killer = setTimeout(() => child.kill("SIGKILL"), 30_000);
      await ended;
      clearTimeout(killer);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function readStatus(pid: number | undefined): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return "";
  }
}
