/** A subject of measurements: a server in a process of its own, and the requests that each case sends to it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { withoutSettings } from "@/scripts/setup/settings.mjs";
import type { StreamSpec } from "../load/open-stream";

export const HOST = "127.0.0.1";
/** The limit of the queue of a subscriber that reads slowly, in bytes. Rested and Centrifugo have it as their default. */
export const STREAM_QUEUE_BYTES = 2 ** 20;
const START_MS = 60_000;
const STOP_MS = 10_000;

/** The load of one case on one server. */
export interface CaseLoad {
  /** Complete requests, which are sent in turn. */
  requests: readonly string[];
  /** The status of every response is one of these. */
  statuses: readonly number[];
  /** The number of records of each request. Default: 1. */
  recordsEach?: number;
  /** Default: 50. */
  connections?: number;
  /** Of which `SIZES.streams` are open meanwhile. */
  streams?: StreamSpec;
  /** A stream on which the delivery of each write is timed. */
  watch?: StreamSpec;
}

export interface FanOutLoad {
  publish: CaseLoad;
  stream: StreamSpec;
}

export interface Subject {
  name: string;
  version: string;
  port: number;
  pid: number;
  cases: Readonly<Record<string, CaseLoad>>;
  fanOut?: FanOutLoad;
  stop(): Promise<void>;
}

export interface StartedProcess {
  pid: number;
  child: ChildProcess;
  /** Sends SIGTERM, and SIGKILL if it does not end. */
  stop(): Promise<void>;
}

/** Starts a program whose output goes to `logFile`. Settles when `port` accepts connections. Throws with the end of its log if it ends before. */
export async function startProgram(options: {
  file: string;
  args: readonly string[];
  cwd: string;
  env?: Readonly<Record<string, string>>;
  port: number;
  logFile: string;
}): Promise<StartedProcess> {
  const { file, args, cwd, env = {}, port, logFile } = options;
  const log = fs.openSync(logFile, "a");
  const child = spawn(file, [...args], {
    cwd,
    env: { NODE_ENV: "production", ...withoutSettings(process.env), ...env },
    stdio: ["ignore", log, log],
  });
  fs.closeSync(log);
  let failure: Error | undefined;
  child.once("error", (error) => {
    failure = error;
  });
  child.once("exit", (code) => {
    failure ??= new Error(`${file} ended with code ${code}. Its log ends with:\n${fs.readFileSync(logFile, "utf8").slice(-2_000)}`);
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    const killing = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await exited;
    clearTimeout(killing);
  };
  const giveUpAt = performance.now() + START_MS;
  while (!failure && !(await accepts(port))) {
    if (performance.now() > giveUpAt) {
      await stop();
      throw new Error(`${file} did not listen on port ${port} within ${START_MS / 1_000} s.`);
    }
    await delay(50);
  }
  if (failure) throw failure;
  return { pid: child.pid ?? 0, child, stop };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: HOST });
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** A port that was free a moment ago. */
export async function findFreePort(): Promise<number> {
  const server = net.createServer().listen(0, HOST);
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return address.port;
}

/** Requests JSON. Throws for any status of 400 or more. */
export async function requestJson<Result>(
  url: string,
  options: { method?: string; body?: unknown; headers?: Readonly<Record<string, string>> } = {},
): Promise<Result> {
  const { method = "GET", body, headers = {} } = options;
  const sent =
    body === undefined ? { headers } : { headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(url, { method, ...sent });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url.replace(/\?.*/, "")} responded with ${response.status}: ${text.slice(0, 500)}`);
  return JSON.parse(text === "" ? "null" : text) as Result;
}
