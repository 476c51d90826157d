/**
 * Fails if Rested has become slower by more than a third beside a bare node:http server, which answers the same bytes in the same run. It compares
 * two ratios with those of bench/guard/expected-ratios.json, by major version of Node.js: the throughput, and the CPU time of a request,
 * PostgreSQL's included. Other work on the machine can lower one of them, so a case passes with either. A case that fails is measured again, longer.
 * Run: npm run bench -- guard [--record] [--node=PATH]. --record stores the ratios of this run instead, which takes longer and needs a quiet machine.
 */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildCheckout } from "./compare/build-checkout";
import { type Contender, createContender } from "./compare/contender";
import { rotate } from "./compare/run-case";
import { type BareHttp, startBareHttp } from "./compare/servers/bare-http";
import { type RestedSubject, startRested } from "./compare/servers/rested";
import { type Stage, withStage } from "./compare/stage";
import { median } from "./load/percentiles";

const FILE = fileURLToPath(new URL("guard/expected-ratios.json", import.meta.url));
const CASES = ["create", "get-one", "no-key"] as const;
/** Of Rested to the bare server: requests per second, and requests per second of CPU time. */
interface Ratios {
  throughput: number;
  cpu: number;
}
type Expected = Partial<Record<(typeof CASES)[number], Ratios>>;

/** The smallest share of an expected ratio that passes. */
const PASSES = 2 / 3;
const ATTEMPTS = 3;
const [ROUNDS, RECORD_ROUNDS] = [5, 15];
const ROUND_SECONDS = 0.5;
const WARM_UP_SECONDS = 1;
const SIZES = { records: 1_000, ids: 200, endpoints: 1, keys: 1 };

const { values } = parseArgs({ options: { record: { type: "boolean" }, node: { type: "string" } } });
const node = values.node ?? process.execPath;
const major = /^v(\d+)/.exec(execFileSync(node, ["--version"], { encoding: "utf8" }))?.[1] ?? "";

await withStage(async (stage) => {
  await buildCheckout(".");
  const rested = stage.add(
    await startRested({ name: "Rested", checkout: path.resolve("."), node, dir: path.join(stage.dir, "rested"), sizes: SIZES }),
  );
  const bare = stage.add(await startBareHttp({ node }));
  const expected = JSON.parse(fs.readFileSync(FILE, "utf8")) as Record<string, Expected>;
  if (values.record) await record(stage, rested, bare, expected);
  else await check(stage, rested, bare, expected[major]);
});

async function record(stage: Stage, rested: RestedSubject, bare: BareHttp, all: Record<string, Expected>): Promise<void> {
  const expected: Expected = {};
  for (const name of CASES) {
    const { throughput, cpu } = await measure(stage, rested, bare, { name, rounds: RECORD_ROUNDS, seconds: ROUND_SECONDS });
    expected[name] = { throughput: Number(throughput.toFixed(3)), cpu: Number(cpu.toFixed(3)) };
    console.log(`${name}: ${toText({ throughput, cpu })}`);
  }
  fs.writeFileSync(FILE, `${JSON.stringify({ ...all, [major]: expected }, null, 2)}\n`);
}

async function check(stage: Stage, rested: RestedSubject, bare: BareHttp, expected: Expected | undefined): Promise<void> {
  if (!expected) console.log(`No ratios are recorded for Node.js ${major}, so nothing is checked.`);
  for (const name of CASES) {
    const wanted = expected?.[name];
    let passed = false;
    for (let attempt = 1; attempt <= ATTEMPTS && !passed; attempt++) {
      const ratios = await measure(stage, rested, bare, { name, rounds: ROUNDS, seconds: ROUND_SECONDS * attempt });
      passed = !wanted || ratios.throughput >= wanted.throughput * PASSES || ratios.cpu >= wanted.cpu * PASSES;
      console.log(`${name}: ${toText(ratios)}${wanted ? `; expected ${toText(wanted)}` : ""}${passed ? "" : ": too slow"}`);
    }
    if (!passed) process.exitCode = 1;
  }
}

function toText({ throughput, cpu }: Ratios): string {
  return `throughput ${throughput.toFixed(3)}, CPU time ${cpu.toFixed(3)} of a bare server`;
}

/** The medians of the rounds' ratios. */
async function measure(
  stage: Stage,
  rested: RestedSubject,
  bare: BareHttp,
  { name, rounds, seconds }: { name: string; rounds: number; seconds: number },
): Promise<Ratios> {
  const load = rested.cases[name];
  if (!load) throw new Error(`There is no case ${name}.`);
  await bare.copyAnswer(rested.port, load);
  const loaders = { generator: stage.generator, wrk: false };
  const own = createContender(rested, load, loaders);
  const other = createContender({ ...bare, name: "bare node:http", version: "", cases: {} }, load, loaders);
  for (const contender of [own, other]) await contender.measure({ seconds: WARM_UP_SECONDS });
  const ratios: Ratios[] = [];
  for (let round = 0; round < rounds; round++) {
    const measured = new Map<Contender, Ratios>();
    for (const contender of rotate([own, other], round)) {
      const { perSecond, latency, cpuSeconds } = await contender.measure({ seconds });
      measured.set(contender, { throughput: perSecond, cpu: latency.count / cpuSeconds });
    }
    const [mine, theirs] = [measured.get(own), measured.get(other)];
    if (mine && theirs) ratios.push({ throughput: mine.throughput / theirs.throughput, cpu: mine.cpu / theirs.cpu });
  }
  return { throughput: median(ratios.map(({ throughput }) => throughput)), cpu: median(ratios.map(({ cpu }) => cpu)) };
}
