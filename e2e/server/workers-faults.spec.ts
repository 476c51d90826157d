/** Faults of the processes of a server with two workers: at the start, while it serves, and while it stops (RESTED_WORKERS=2). */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "playwright/test";
import { withoutSettings } from "@/scripts/setup/settings.mjs";

interface Launched {
  child: ChildProcess;
  /** For temporary files, with the data folder in it. */
  folder: string;
  url: string;
  exited: Promise<number | null>;
  output(): string;
  /** The pid of the last process with this name that serves, or 0. */
  findPid(name: string): number;
  dispose(): Promise<void>;
}

/** Starts a server with a temporary folder of its own, and does not wait until it is ready. */
async function launch(): Promise<Launched> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "rested-e2e-"));
  const port = await findPort();
  const child = spawn(process.execPath, ["dist/server.js"], {
    env: {
      ...withoutSettings(process.env),
      ...{ NODE_ENV: "production", HOST: "127.0.0.1", PORT: String(port), RESTED_DATA_DIR: path.join(folder, "data") },
      ...{ RESTED_WORKERS: "2", RESTED_DEMO: "1", RESTED_DRAIN_MS: "0", TMPDIR: folder },
    },
    stdio: ["ignore", "pipe", "pipe"],
    // A process group of its own, as in a terminal.
    detached: true,
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", (line) => lines.push(line));
  const exited = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  return {
    child,
    folder,
    url: `http://127.0.0.1:${port}`,
    exited,
    output: () => lines.join("\n"),
    findPid: (name) =>
      lines
        .filter((line) => line.startsWith("{"))
        .map((line) => JSON.parse(line))
        .findLast((entry) => entry.msg === "a process serves" && entry.process === name)?.pid ?? 0,
    dispose: async () => {
      child.kill("SIGKILL");
      await exited;
      await expect
        .poll(() =>
          rm(folder, { recursive: true }).then(
            () => true,
            () => false,
          ),
        )
        .toBe(true);
    },
  };
}

async function findPort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The status of a request on a connection of its own; undefined: there was no response. */
function get(url: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    http
      .get(url, { agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
      .on("error", () => resolve(undefined));
  });
}

/** The processes that a server has started, apart from PostgreSQL. */
function findProcesses({ child }: Launched): number[] {
  const { stdout } = spawnSync("pgrep", ["-P", String(child.pid), "-f", "dist/server.js"], { encoding: "utf8" });
  return stdout.split("\n").filter(Boolean).map(Number);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const isReady = ({ output }: Launched) => output().includes("ready at");
const untilReady = (server: Launched) => expect.poll(() => isReady(server), { timeout: 30_000 }).toBe(true);
const findSockets = ({ folder }: Launched) => readdirSync(folder).filter((name) => name.startsWith("rested-dashboard-"));

/** Nothing that the server started is left, and no folder. */
async function expectNothingLeft(server: Launched, pids: number[]): Promise<void> {
  expect(pids).toHaveLength(3);
  await expect.poll(() => pids.filter(isAlive)).toEqual([]);
  expect(findSockets(server)).toEqual([]);
}

test("[W28] [E5] the port opens when all processes can serve", async () => {
  const server = await launch();
  try {
    const first: (number | undefined)[] = [];
    while (first.at(-1) === undefined && server.child.exitCode === null) first.push(await get(`${server.url}/api/manage/projects`));
    expect(first.at(-1)).toBe(401);
    expect(await get(`${server.url}/setup`)).toBe(200);
  } finally {
    await server.dispose();
  }
});

test("[W28] a process that ends during the start ends the start with its reason", async () => {
  const server = await launch();
  try {
    let pids: number[] = [];
    const untilThree = () => {
      pids = findProcesses(server);
      return pids.length;
    };
    await expect.poll(untilThree, { intervals: [20], timeout: 30_000 }).toBe(3);
    for (const pid of pids.slice(1, 2)) process.kill(pid, "SIGKILL");
    expect(await server.exited).toBe(1);
    expect(server.output()).toMatch(/Rested could not start\. The process "(dashboard|worker [12])" ended while it started\./);
    await expectNothingLeft(server, pids);
  } finally {
    await server.dispose();
  }
});

test("[W28] when the parent process is killed, the others end, and nothing stays behind", async () => {
  const server = await launch();
  try {
    await untilReady(server);
    const pids = findProcesses(server);
    server.child.kill("SIGKILL");
    await server.exited;
    await expectNothingLeft(server, pids);
  } finally {
    await server.dispose();
  }
});

test("[W28] [E7] SIGINT from a terminal, which all processes receive, stops the server in order", async () => {
  const server = await launch();
  try {
    await untilReady(server);
    const pids = findProcesses(server);
    process.kill(-(server.child.pid ?? 0), "SIGINT");
    expect(await server.exited).toBe(0);
    expect(server.output()).not.toContain("ended unexpectedly");
    await expectNothingLeft(server, pids);
  } finally {
    await server.dispose();
  }
});

test("[W28] a second signal ends the stopping at once, and nothing stays behind", async () => {
  const server = await launch();
  try {
    await untilReady(server);
    const pids = findProcesses(server);
    server.child.kill("SIGTERM");
    await expect.poll(() => server.output()).toContain('"stopping"');
    server.child.kill("SIGTERM");
    await server.exited;
    await expectNothingLeft(server, pids);
  } finally {
    await server.dispose();
  }
});

test("[W28] a worker that hangs is killed and replaced", async () => {
  // A worker may be silent for 30 s.
  test.setTimeout(120_000);
  const server = await launch();
  try {
    await untilReady(server);
    const pid = server.findPid("worker 2");
    process.kill(pid, "SIGSTOP");
    await expect.poll(() => isAlive(pid), { timeout: 60_000 }).toBe(false);
    await expect.poll(() => server.findPid("worker 2"), { timeout: 30_000 }).not.toBe(pid);
    expect(server.output()).toContain("a process does not respond; it is killed");
  } finally {
    await server.dispose();
  }
});
