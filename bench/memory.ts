/**
 * Runs each case for many minutes, and tells whether the memory of Rested stays flat: what its objects need after a full garbage collection, at the
 * end against after a warm-up. The memory of the process is printed too, but includes garbage that waits, so it does not show a leak.
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
import { findFreePort } from "./compare/subject";
import { connectInspector, type Inspector } from "./support/inspector";

const WARM_UP_SECONDS = 30;
/** Readings after the warm-up. The load pauses for each. */
const READINGS = 5;
/** Bytes that the objects may grow and still count as flat: caches that fill, such as compiled code. */
const FLAT_BYTES = 4 * 2 ** 20;

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
      const inspectorPort = await findFreePort();
      const nodeArgs = [`--inspect=127.0.0.1:${inspectorPort}`];
      const rested = await startRested({ name: checkout.name, env: checkout.env, checkout: checkout.dir, node, nodeArgs, dir });
      try {
        const inspector = await connectInspector(inspectorPort);
        await measure(stage, { rested, inspector }, running);
        inspector.close();
      } finally {
        await rested.stop();
      }
    }
  });

async function measure(
  { generator, progress }: Stage,
  { rested, inspector }: { rested: RestedSubject; inspector: Inspector },
  { name, title }: Case,
): Promise<void> {
  const load = rested.cases[name];
  if (!load) return;
  const contender = createContender(rested, load, { generator, wrk: false });
  await contender.measure({ seconds: WARM_UP_SECONDS });
  const readings = [await inspector.readLiveBytes()];
  let requests = 0;
  let peak = 0;
  for (let n = 0; n < READINGS; n++) {
    const seconds = (minutes * 60) / READINGS;
    const { perSecond, memoryBytes } = await contender.measure({ seconds });
    requests += Math.round(perSecond * seconds);
    peak = Math.max(peak, memoryBytes);
    readings.push(await inspector.readLiveBytes());
  }
  const growth = (readings.at(-1) ?? Number.NaN) - (readings[0] ?? Number.NaN);
  const isFlat = growth <= FLAT_BYTES;
  if (!isFlat) process.exitCode = 1;
  progress(
    `${title}: ${requests.toLocaleString("en")} in ${minutes} min; objects ${readings.map(toMegabytes).join(", ")} MB: ${isFlat ? "flat" : "GROWS"}; at most ${toMegabytes(peak)} MB with garbage and PostgreSQL`,
  );
}

function toMegabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
