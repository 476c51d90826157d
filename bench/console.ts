/**
 * Measures the console in Chromium while it follows a flood: frames, long tasks, layout and heap, with a full buffer. Prints the load of the
 * machine beside them, because server, PostgreSQL, writers and browser share it. With --check, it fails if it misses one of BARS.
 * Run: npm run bench -- console [writes per second=2000] [seconds=60] [held changes=100000] [--check]
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import os from "node:os";
import { type CDPSession, chromium, type Page } from "playwright";
import { signUpFirstAdmin } from "@/e2e/support/dashboard";
import { startServer } from "@/e2e/support/server";
import { build } from "@/scripts/setup/build.mjs";
import { findChromium } from "@/scripts/setup/chromium.mjs";
import { type PacedWrites, writeAtRate } from "./support/paced-writes";

const BARS = { p95Ms: 16.8, taskMs: 50, heapMb: 250 };
const WARM_UP_MS = 3_000;
const ROOMS = ["kitchen", "garden", "hall", "attic"];

/** Runs in the page. As text, because the compiler of this file adds calls of functions that the page does not have. */
const MEASURE = `async (ms) => {
  const frames = [];
  const tasks = [];
  const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration)));
  observer.observe({ type: "longtask" });
  const nextFrame = () => new Promise(requestAnimationFrame);
  let lastMs = await nextFrame();
  for (const endMs = lastMs + ms; lastMs < endMs; ) {
    const nowMs = await nextFrame();
    frames.push(nowMs - lastMs);
    lastMs = nowMs;
  }
  observer.disconnect();
  return { frames, tasks };
}`;

const args = process.argv.slice(2);
const [rate = 2_000, seconds = 60, held = 100_000] = args.filter((arg) => !arg.startsWith("--")).map(Number);
if (args[0] === "writer") runWriter();
else await measure();

/** Records of a few fields, as sensors send them. */
function toBody(n: number): string {
  return JSON.stringify({
    room: ROOMS[n % ROOMS.length],
    temperature: 15 + ((n * 7) % 100) / 10,
    humidity: (n * 13) % 100,
    device: { id: `sensor-${n % 50}`, battery: (n * 3) % 100 },
    note: "measured by the console bench",
    n,
  });
}

function runWriter(): void {
  process.once("message", async (task: PacedWrites) => {
    process.send?.(await writeAtRate(task, toBody));
    process.disconnect();
  });
}

async function write(task: PacedWrites): Promise<number> {
  const child: ChildProcess = fork(process.argv[1] ?? "", ["writer"], { execArgv: process.execArgv });
  child.send(task);
  const [count] = (await once(child, "message")) as [number];
  return count;
}

async function measure(): Promise<void> {
  if (!args.includes("--no-build")) await build();
  const server = await startServer({ env: { RESTED_RATE_LIMIT: "0", RESTED_MANAGEMENT_RATE_LIMIT: "0" } });
  const executablePath = findChromium();
  const browser = await chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    args: ["--headless", "--no-sandbox", "--disable-gpu"],
  });
  try {
    const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
    const { project, endpoint, key } = await signUpFirstAdmin(page, server);
    await page.goto(`${server.url}/p/${project.id}/endpoints/${endpoint.id}/live`);
    await page.getByText(/^Live · [\d,]+\/s$/).waitFor();
    const task = { port: Number(new URL(server.url).port), target: `/api/1/ce/${endpoint.name}?key=${key}` };
    await fill(page, `${server.url}/api/manage/endpoints/${endpoint.id}/import`, server.url);
    await page.getByRole("grid", { name: "Changes" }).waitFor();

    const writing = write({ ...task, count: rate * (seconds + 10), rate });
    await page.waitForTimeout(WARM_UP_MS);
    const result = await observe(page);
    const written = await writing;
    report(result, written);
  } finally {
    await browser.close();
    await server.dispose();
  }
}

/** Fills the console's buffer through an import. */
async function fill(page: Page, importUrl: string, origin: string): Promise<void> {
  const part = 20_000;
  for (let start = 0; start < held; start += part) {
    const lines = Array.from({ length: Math.min(part, held - start) }, (_, index) => toBody(start + index));
    const response = await page.request.post(importUrl, {
      headers: { Origin: origin, "Content-Type": "application/x-ndjson" },
      data: `${lines.join("\n")}\n`,
      timeout: 120_000,
    });
    if (!response.ok()) throw new Error(`The import responded with ${response.status()}: ${await response.text()}`);
  }
  const rows = () => page.getByRole("grid", { name: "Changes" }).getAttribute("aria-rowcount");
  const endMs = performance.now() + 120_000;
  while (Number(await rows().catch(() => 0)) < Math.min(held, 100_000) * 0.99) {
    if (performance.now() > endMs) throw new Error(`The console holds only ${await rows()} rows.`);
    await page.waitForTimeout(500);
  }
}

interface Observed {
  frames: number[];
  tasks: number[];
  /** In milliseconds over the whole time. */
  layoutMs: number;
  layouts: number;
  styleMs: number;
  scriptMs: number;
  taskMs: number;
  pageMb: number;
  workerMb: number;
  load: number;
  /** The share of all cores that were in use. */
  cpu: number;
}

async function observe(page: Page): Promise<Observed> {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const workers = await attachWorkers(session);
  const [before, cpuBefore] = [await readMetrics(session), readCpu()];
  const { frames, tasks } = await page.evaluate<{ frames: number[]; tasks: number[] }>(`(${MEASURE})(${seconds * 1_000})`);
  const [after, cpuAfter] = [await readMetrics(session), readCpu()];
  const spent = (name: string) => ((after.get(name) ?? 0) - (before.get(name) ?? 0)) * 1_000;
  const heap = await session.send("Runtime.getHeapUsage");
  return {
    frames,
    tasks,
    layoutMs: spent("LayoutDuration"),
    layouts: spent("LayoutCount") / 1_000,
    styleMs: spent("RecalcStyleDuration"),
    scriptMs: spent("ScriptDuration"),
    taskMs: spent("TaskDuration"),
    pageMb: toMb(heap),
    workerMb: (await Promise.all(workers.map((ask) => ask()))).reduce((sum, mb) => sum + mb, 0),
    load: os.loadavg()[0] ?? 0,
    cpu: (cpuAfter.busy - cpuBefore.busy) / (cpuAfter.all - cpuBefore.all),
  };
}

type Usage = { usedSize: number; backingStorageSize?: number };

function toMb({ usedSize, backingStorageSize = 0 }: Usage): number {
  return (usedSize + backingStorageSize) / 1024 / 1024;
}

/** Functions that read the heap of each worker, in MB. Playwright has no sessions for workers, so messages are wrapped. */
async function attachWorkers(session: CDPSession): Promise<(() => Promise<number>)[]> {
  const ids: string[] = [];
  const waiting = new Map<number, (usage: Usage) => void>();
  session.on("Target.attachedToTarget", ({ sessionId, targetInfo }) => {
    if (targetInfo.type === "worker") ids.push(sessionId);
  });
  session.on("Target.receivedMessageFromTarget", ({ message }) => {
    const { id, result } = JSON.parse(message) as { id: number; result: Usage };
    waiting.get(id)?.(result);
  });
  await session.send("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: false, flatten: false });
  return ids.map((sessionId, index) => async () => {
    const reply = new Promise<Usage>((resolve) => waiting.set(index, resolve));
    await session.send("Target.sendMessageToTarget", { sessionId, message: JSON.stringify({ id: index, method: "Runtime.getHeapUsage" }) });
    return toMb(await reply);
  });
}

async function readMetrics(session: CDPSession): Promise<Map<string, number>> {
  const { metrics } = await session.send("Performance.getMetrics");
  return new Map(metrics.map(({ name, value }) => [name, value]));
}

function readCpu(): { busy: number; all: number } {
  let [busy, all] = [0, 0];
  for (const { times } of os.cpus()) {
    const used = times.user + times.nice + times.sys + times.irq;
    busy += used;
    all += used + times.idle;
  }
  return { busy, all };
}

function toQuantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

function report(observed: Observed, written: number): void {
  const frames = observed.frames.toSorted((one, other) => one - other);
  const [p50, p95, p99, most] = [0.5, 0.95, 0.99, 1].map((part) => toQuantile(frames, part).toFixed(1));
  const longest = Math.max(0, ...observed.tasks);
  const heapMb = observed.pageMb + observed.workerMb;
  const perFrame = (ms: number) => (ms / frames.length).toFixed(1);
  console.log(
    [
      `${rate.toLocaleString("en")} changes/s for ${seconds} s (${written.toLocaleString("en")} written), ${held.toLocaleString("en")} held, following:`,
      `  frames: p50 ${p50} ms, p95 ${p95}, p99 ${p99}, longest ${most} (${frames.length} frames, ${(frames.length / seconds).toFixed(0)}/s)`,
      `  tasks over 50 ms: ${observed.tasks.length}, longest ${longest.toFixed(0)} ms`,
      `  main thread per frame: layout ${perFrame(observed.layoutMs)} ms, style ${perFrame(observed.styleMs)}, script ${perFrame(observed.scriptMs)}, all tasks ${perFrame(observed.taskMs)}; ${observed.layouts} layouts of ${(observed.layoutMs / Math.max(1, observed.layouts)).toFixed(1)} ms`,
      `  heap: page ${observed.pageMb.toFixed(0)} MB, worker ${observed.workerMb.toFixed(0)} MB`,
      `  machine: load ${observed.load.toFixed(1)}, ${(observed.cpu * 100).toFixed(0)} % of ${os.cpus().length} cores in use`,
    ].join("\n"),
  );
  const missed = [
    ...(Number(p95) > BARS.p95Ms ? [`p95 of frames over ${BARS.p95Ms} ms`] : []),
    ...(observed.tasks.length > 0 ? [`tasks over ${BARS.taskMs} ms`] : []),
    ...(heapMb > BARS.heapMb ? [`heap over ${BARS.heapMb} MB`] : []),
  ];
  if (args.includes("--check") && missed.length > 0) {
    console.error(`Missed: ${missed.join(", ")}.`);
    process.exitCode = 1;
  }
}
