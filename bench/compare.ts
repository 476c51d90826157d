/**
 * Compares Rested with PocketBase, a bare node:http server, PostgreSQL alone, Centrifugo and a bare loop over WebSockets.
 * Run: npm run bench -- compare [options]; --help lists them.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { buildCheckout } from "./compare/build-checkout";
import { selectCases } from "./compare/cases";
import { toChart } from "./compare/chart";
import { type Contender, createContender } from "./compare/contender";
import { COMPARE_HELP, type CompareOptions, parseCompareOptions } from "./compare/options";
import { type Report, toMarkdown, toTable } from "./compare/report";
import { type CaseResult, runCase } from "./compare/run-case";
import { runFanOut } from "./compare/run-fan-out";
import { startBareHttp } from "./compare/servers/bare-http";
import { startBareWs } from "./compare/servers/bare-ws";
import { startCentrifugo } from "./compare/servers/centrifugo";
import { createPgbench } from "./compare/servers/pgbench";
import { startPocketBase } from "./compare/servers/pocketbase";
import { type RestedSubject, startRested } from "./compare/servers/rested";
import { type Stage, withStage } from "./compare/stage";
import type { Subject } from "./compare/subject";
import { hasWrk } from "./load/wrk";

interface Run {
  stage: Stage;
  options: CompareOptions;
  rested: readonly RestedSubject[];
  report: Report;
}

const args = process.argv.slice(2);
if (args.includes("--help")) console.log(COMPARE_HELP);
else await compare(parseCompareOptions(args, hasWrk));

async function compare(options: CompareOptions): Promise<void> {
  const { cases, fanOuts } = selectCases(options.cases);
  await withStage(async (stage) => {
    const rested: RestedSubject[] = [];
    for (const [index, { dir: checkout, ...rest }] of options.checkouts.entries()) {
      stage.progress(`building and starting ${rest.name}`);
      await buildCheckout(checkout);
      const dir = path.join(stage.dir, `rested-${index}`);
      rested.push(stage.add(await startRested({ ...rest, checkout, node: options.node, dir })));
    }
    const run: Run = { stage, options, rested, report: createReport(options, rested) };
    if (cases.length > 0) await runCases(run, cases);
    if (fanOuts.length > 0) await runFanOuts(run, fanOuts);
    const { report } = run;
    console.log(toTable(report));
    if (options.json !== undefined) fs.writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
    if (options.markdown !== undefined) fs.writeFileSync(options.markdown, toMarkdown(report));
    if (options.svg !== undefined) fs.writeFileSync(options.svg, toChart(report));
    if (report.failures.length > 0) process.exitCode = 1;
  });
}

function createReport({ rounds, seconds, wrk }: CompareOptions, rested: readonly RestedSubject[]): Report {
  return {
    at: new Date().toISOString(),
    machine: { processors: os.cpus().length, model: os.cpus()[0]?.model ?? "", platform: `${os.platform()} ${os.release()}` },
    options: { rounds, seconds, load: wrk ? "wrk" : "own" },
    subjects: rested.map(({ name, version }) => ({ name, version })),
    results: {},
    failures: [],
  };
}

async function runCases({ stage, options, rested, report }: Run, cases: ReturnType<typeof selectCases>["cases"]): Promise<void> {
  const [reference] = rested;
  if (!reference) return;
  const subjects: Subject[] = [...rested];
  if (options.pocketbase !== undefined) {
    stage.progress("starting PocketBase");
    const pocketbase = stage.add(await startPocketBase({ file: options.pocketbase, dir: path.join(stage.dir, "pocketbase") }));
    subjects.push(pocketbase);
    report.subjects.push({ name: pocketbase.name, version: pocketbase.version });
  }
  const bare = stage.add(await startBareHttp({ node: options.node }));
  const pgbench = createPgbench(reference);
  const loaders = { generator: stage.generator, wrk: options.wrk };
  const { rounds, seconds } = options;
  for (const running of cases) {
    const contenders: Contender[] = subjects.flatMap((subject) => {
      const load = subject.cases[running.name];
      return load ? [createContender(subject, load, loaders)] : [];
    });
    const load = reference.cases[running.name];
    if (running.bare && load) {
      await bare.copyAnswer(reference.port, load);
      contenders.push({
        ...createContender({ ...bare, name: "bare node:http", version: "", cases: {} }, load, loaders),
        hasOpenLoop: false,
      });
    }
    const alone = running.pgbench ? pgbench[running.name] : undefined;
    if (alone) contenders.push(alone);
    const recordsEach = load?.recordsEach ?? 1;
    await attempt({ stage, report }, running, () =>
      runCase({ running, contenders, rounds, seconds, recordsEach, progress: stage.progress }),
    );
  }
}

async function runFanOuts({ stage, options, rested, report }: Run, fanOuts: ReturnType<typeof selectCases>["fanOuts"]): Promise<void> {
  const subjects: Subject[] = [...rested];
  if (options.centrifugo !== undefined) {
    const centrifugo = stage.add(await startCentrifugo({ file: options.centrifugo, dir: path.join(stage.dir, "centrifugo") }));
    subjects.push(centrifugo);
    report.subjects.push({ name: centrifugo.name, version: centrifugo.version });
  }
  subjects.push(stage.add(await startBareWs({ node: options.node })));
  const { rounds, seconds, publishers } = options;
  const { generator, progress } = stage;
  for (const fanOut of fanOuts)
    await attempt({ stage, report }, fanOut, () => runFanOut({ ...fanOut, subjects, rounds, seconds, publishers, generator, progress }));
}

/** A case that fails, for example because a server closes connections, does not end the run, which takes many minutes. */
async function attempt(
  { stage, report }: Pick<Run, "stage" | "report">,
  { name, title }: { name: string; title: string },
  run: () => Promise<CaseResult[]>,
): Promise<void> {
  try {
    report.results[name] = await run();
  } catch (error) {
    const failure = `${title}: FAILED. ${error instanceof Error ? error.message : String(error)}`;
    report.failures.push(failure);
    stage.progress(failure);
  }
}
