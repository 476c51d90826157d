/**
 * The fault suite: runs each fault several times against a running deployment, and prints what was lost. Start it with
 * `npm run test:faults`. Exits with 1 if anything was lost, doubled, out of order or unauthorised, or if a run could not be judged.
 */
import { randomInt } from "node:crypto";
import fs from "node:fs";
import { parseArgs } from "node:util";
import { bundleNode } from "./deployment/bundled-node";
import { type Deployment, startDeployment } from "./deployment/deployment";
import { isRedisInstalled } from "./deployment/redis-process";
import type { Fault } from "./fault";
import { dropPackets } from "./kinds/drop-packets";
import { fullDisk } from "./kinds/full-disk";
import { killWhileMailing } from "./kinds/mails";
import { noisyNeighbour } from "./kinds/noisy-neighbour";
import { killNode, killPostgres, killRedis, stopPostgres } from "./kinds/process-faults";
import { reconnectStorm } from "./kinds/reconnect-storm";
import { stalledReaders } from "./kinds/stalled-readers";
import { killWhileDelivering } from "./kinds/webhooks";
import { createTally, type Tally, toTable } from "./report";
import { runOnce } from "./run";

/** Faults that need the same deployment are next to each other, because they share one in the short form. */
const FAULTS: readonly Fault[] = [
  ...[killNode, stopPostgres, killPostgres, killRedis, killWhileMailing, killWhileDelivering],
  ...[noisyNeighbour, stalledReaders, reconnectStorm, dropPackets, fullDisk],
];
const PROBLEMS_SHOWN_MAX = 20;

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "3" },
    fault: { type: "string", multiple: true },
    /** Of the first run of each fault; the following ones count on from it. */
    seed: { type: "string" },
    short: { type: "boolean", default: false },
    report: { type: "string" },
  },
});
const seed = values.seed === undefined ? randomInt(1_000_000) : Number(values.seed);
const runs = values.short ? 1 : Number(values.runs);
const unknown = (values.fault ?? []).filter((name) => !FAULTS.some((fault) => fault.name === name));
if (!(runs > 0) || !Number.isSafeInteger(seed) || unknown.length > 0) {
  console.error(
    `npm run test:faults -- [--runs N] [--fault NAME]… [--seed N] [--short]; the faults: ${FAULTS.map(({ name }) => name).join(", ")}`,
  );
  process.exit(2);
}

/** The running deployment. `used`: the number of its runs. */
let current: { deployment: Deployment; key: string; used: number } | undefined;
let isStopping = false;
/** Cleans up however the suite ends. A signal to the whole process group arrives twice. */
function stop(): void {
  if (isStopping) return;
  isStopping = true;
  void (current?.deployment.dispose() ?? Promise.resolve()).finally(() => process.exit(1));
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
process.on("uncaughtException", (error) => {
  console.error(error);
  stop();
});
const node = await bundleNode();
process.once("exit", node.remove);
const tallies: Tally[] = [];
for (const fault of FAULTS) {
  if (values.fault && !values.fault.includes(fault.name)) continue;
  tallies.push(await runFault(fault, node.script));
}
await endDeployment();
console.log(`\n${toTable(tallies)}`);
const failed = tallies.filter(({ problems }) => problems.length > 0).length;
if (values.report)
  fs.writeFileSync(values.report, JSON.stringify({ passed: tallies.filter(({ runs: done }) => done > 0).length - failed, failed }));
process.exit(failed > 0 ? 1 : 0);

/** Half of the runs use a deployment with Redis, the others one without it. */
async function runFault(fault: Fault, script: string): Promise<Tally> {
  const tally = createTally(fault);
  const obstacle = fault.obstacle?.();
  if (obstacle !== undefined) {
    tally.note = `skipped: ${obstacle}`;
    console.log(`${fault.name}: ${tally.note}`);
    return tally;
  }
  const withRedis = isRedisInstalled() ? (fault.redisOnly ? runs : Math.ceil(runs / 2)) : 0;
  for (const [isWithRedis, count] of [
    [true, withRedis],
    [false, runs - withRedis],
  ] as const) {
    if (count > 0 && tally.problems.length === 0) await runDeployment({ fault, script, withRedis: isWithRedis, count, tally });
  }
  return tally;
}

async function runDeployment(options: { fault: Fault; script: string; withRedis: boolean; count: number; tally: Tally }): Promise<void> {
  const { fault, withRedis, count, tally } = options;
  try {
    const running = await deploy(options);
    const { link } = running.deployment;
    if (link) tally.note = link.kind === "namespaces" ? "between two network namespaces" : "by a relay that stalls and cuts";
    for (let done = 0; done < count && tally.problems.length === 0; done++) {
      const startedAt = performance.now();
      const { deployment } = running;
      const runSeed = seed + tally.runs;
      const result = await runOnce({ deployment, fault, place: running.used++, run: tally.runs, isShort: values.short, seed: runSeed });
      tally.add(result);
      const { writes, deliveries, lost, doubled, outOfOrder, unauthorised, recoveryMs } = result;
      console.log(
        `${fault.name} ${tally.runs}${withRedis ? "" : " (without Redis)"}: ${writes} writes, ${deliveries} deliveries, ${lost} lost, ${doubled} doubled, ${outOfOrder} out of order, ${unauthorised} unauthorised, recovered in ${Math.round(recoveryMs)} ms${fault.delivers === undefined ? "" : `, ${result.delivered} ${fault.delivers}, ${result.repeated} of them again`}; seed ${runSeed}; ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`,
      );
    }
  } catch (error) {
    tally.problems.push(`a run could not be judged: ${error instanceof Error ? error.stack : String(error)}`);
  }
  if (tally.problems.length === 0) return;
  console.error(`${tally.problems.slice(0, PROBLEMS_SHOWN_MAX).join("\n")}\n${current?.deployment.logTail() ?? ""}`);
  // A broken deployment must not affect the next fault.
  await endDeployment();
}

/** A new deployment; in the short form the running one, if it is of the same kind. */
async function deploy({ fault, script, withRedis, count }: { fault: Fault; script: string; withRedis: boolean; count: number }) {
  const { needs } = fault;
  const key = JSON.stringify({ needs, withRedis });
  if (current && values.short && current.key === key) return current;
  await endDeployment();
  const deployment = await startDeployment({ script, runs: values.short ? FAULTS.length : count, withRedis, needs });
  current = { deployment, key, used: 0 };
  return current;
}

async function endDeployment(): Promise<void> {
  const ended = current?.deployment;
  current = undefined;
  await ended?.dispose();
}
