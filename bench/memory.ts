/**
 * Runs each case for many minutes, and tells whether the memory of Rested (PostgreSQL's included) stays flat: the median of the last third of the
 * time against that of the first, after a warm-up.
 * Run: npm run bench -- memory [--minutes=10] [--cases=a,b] [--rested=DIR[,NAME=VALUE…]] [--node=PATH]
 */
import path from "node:path";
import { parseArgs } from "node:util";
import { buildCheckout } from "./compare/build-checkout";
import { type Case, selectCases } from "./compare/cases";
import { createContender } from "./compare/contender";
import { toCheckouts } from "./compare/options";
import { type RestedSubject, startRested } from "./compare/servers/rested";
import { type Stage, withStage } from "./compare/stage";
import { median } from "./load/percentiles";
import { readMemoryBytes } from "./load/process-tree";

const WARM_UP_SECONDS = 20;
const SAMPLE_MS = 1_000;
/** The growth that counts as flat: garbage that was not collected yet, and PostgreSQL's buffers that fill. */
const FLAT = 1.1;

const text = { type: "string" } as const;
const { values } = parseArgs({ options: { minutes: text, cases: text, rested: text, node: text } });
const minutes = Number(values.minutes ?? 10);
const { cases } = selectCases(values.cases?.split(",") ?? []);
const node = values.node ?? process.execPath;
const [checkout] = toCheckouts([values.rested ?? "."]);

if (checkout)
  await withStage(async (stage) => {
    await buildCheckout(checkout.dir);
    for (const [index, running] of cases.entries()) {
      // A server of its own for each case, so that a case does not inherit the memory of another.
      const dir = path.join(stage.dir, `rested-${index}`);
      const rested = await startRested({ name: checkout.name, env: checkout.env, checkout: checkout.dir, node, dir });
      try {
        await measure(stage, rested, running);
      } finally {
        await rested.stop();
      }
    }
  });

async function measure({ generator, progress }: Stage, rested: RestedSubject, { name, title }: Case): Promise<void> {
  const load = rested.cases[name];
  if (!load) return;
  const contender = createContender(rested, load, { generator, wrk: false });
  await contender.measure({ seconds: WARM_UP_SECONDS });
  const samples: number[] = [];
  const timer = setInterval(() => samples.push(readMemoryBytes(rested.pid)), SAMPLE_MS);
  const { perSecond } = await contender.measure({ seconds: minutes * 60 }).finally(() => clearInterval(timer));
  const third = Math.floor(samples.length / 3);
  const [first, last] = [median(samples.slice(0, third)), median(samples.slice(-third))];
  const growth = last / first;
  const isFlat = growth <= FLAT;
  if (!isFlat) process.exitCode = 1;
  progress(
    `${title}: ${Math.round(perSecond).toLocaleString("en")}/s; ${toMegabytes(first)} in the first third, ${toMegabytes(last)} in the last, × ${growth.toFixed(2)}: ${isFlat ? "flat" : "GROWS"}`,
  );
}

function toMegabytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MB`;
}
