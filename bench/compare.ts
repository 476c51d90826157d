/**
 * Compares Rested with PocketBase, a bare node:http server, PostgreSQL alone, Centrifugo and a bare loop over WebSockets.
 * Run: npm run bench -- compare [options]; --help lists them.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { createCleanup } from "@/src/runtime/cleanup";
import { buildCheckout } from "./compare/build-checkout";
import { selectCases } from "./compare/cases";
import { type Contender, createContender } from "./compare/contender";
import { COMPARE_HELP, parseCompareOptions } from "./compare/options";
import { type Report, toTable } from "./compare/report";
import { runCase } from "./compare/run-case";
import { runFanOut } from "./compare/run-fan-out";
import { startBareHttp } from "./compare/servers/bare-http";
import { startBareWs } from "./compare/servers/bare-ws";
import { startCentrifugo } from "./compare/servers/centrifugo";
import { createPgbench } from "./compare/servers/pgbench";
import { startPocketBase } from "./compare/servers/pocketbase";
import { type RestedSubject, startRested } from "./compare/servers/rested";
import type { Subject } from "./compare/subject";
import { startLoadGenerator } from "./load/run-load";
import { hasWrk } from "./load/wrk";

const args = process.argv.slice(2);
if (args.includes("--help")) console.log(COMPARE_HELP);
else await compare();

async function compare(): Promise<void> {
  const options = parseCompareOptions(args, hasWrk);
  const { cases, fanOuts } = selectCases(options.cases);
  const { rounds, seconds, node } = options;
  const startedAt = performance.now();
  const progress = (text: string) => {
    const minutes = (performance.now() - startedAt) / 60_000;
    console.log(`${minutes.toFixed(1).padStart(5)} min  ${text}`);
  };
  const cleanup = createCleanup();
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "rested-compare-"));
  cleanup.add(() => fs.rmSync(dir, { recursive: true, force: true }));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void cleanup.run().finally(() => process.exit(1)));
  try {
    const rested: RestedSubject[] = [];
    for (const [index, checkout] of options.checkouts.entries()) {
      progress(`building and starting ${checkout.name}`);
      await buildCheckout(checkout.dir);
      const subject = await startRested({ ...checkout, checkout: checkout.dir, node, dir: path.join(dir, `rested-${index}`) });
      cleanup.add(subject.stop);
      rested.push(subject);
    }
    const subjects: Subject[] = [...rested];
    if (options.pocketbase !== undefined && cases.length > 0) {
      progress("starting PocketBase");
      const subject = await startPocketBase({ file: options.pocketbase, dir: path.join(dir, "pocketbase") });
      cleanup.add(subject.stop);
      subjects.push(subject);
    }
    const [reference] = rested;
    if (!reference) throw new Error("no checkout");
    const bare = await startBareHttp({ node });
    cleanup.add(bare.stop);
    const generator = startLoadGenerator();
    cleanup.add(async () => generator.stop());
    const pgbench = createPgbench(reference);
    const report: Report = {
      at: new Date().toISOString(),
      machine: { processors: os.cpus().length, model: os.cpus()[0]?.model ?? "", platform: `${os.platform()} ${os.release()}` },
      options: { rounds, seconds, load: options.wrk ? "wrk" : "own" },
      subjects: subjects.map(({ name, version }) => ({ name, version })),
      results: {},
    };

    for (const running of cases) {
      const loaders = { generator, wrk: options.wrk };
      const contenders: Contender[] = subjects.flatMap((subject) => {
        const load = subject.cases[running.name];
        return load ? [createContender(subject, load, loaders)] : [];
      });
      const load = reference.cases[running.name];
      if (running.bare && load) {
        await bare.copyAnswer(reference.port, load);
        const subject: Subject = { name: "bare node:http", version: "", ...bare, cases: {} };
        contenders.push({ ...createContender(subject, load, loaders), hasOpenLoop: false });
      }
      const alone = running.pgbench ? pgbench[running.name] : undefined;
      if (alone) contenders.push(alone);
      report.results[running.name] = await runCase({ running, contenders, rounds, seconds, recordsEach: load?.recordsEach ?? 1, progress });
    }

    if (fanOuts.length > 0) {
      const streaming: Subject[] = [...rested];
      if (options.centrifugo !== undefined) {
        const subject = await startCentrifugo({ file: options.centrifugo, dir: path.join(dir, "centrifugo") });
        cleanup.add(subject.stop);
        streaming.push(subject);
        report.subjects.push({ name: subject.name, version: subject.version });
      }
      const loop = await startBareWs({ node });
      cleanup.add(loop.stop);
      streaming.push(loop);
      for (const { name, ...fanOut } of fanOuts)
        report.results[name] = await runFanOut({ ...fanOut, subjects: streaming, rounds, seconds, generator, progress });
    }

    console.log(toTable(report));
    if (options.json !== undefined) fs.writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  } finally {
    await cleanup.run();
  }
}
