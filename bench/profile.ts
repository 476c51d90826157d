/**
 * Profiles the main process of Rested under one case: prints the functions with the most time of their own, and writes a flame graph.
 * Run: npm run bench -- profile [--case=create] [--seconds=5] [--svg=FILE] [--rested=DIR[,NAME=VALUE…]] [--node=PATH]. The cases are those of
 * compare, of fan-out too.
 */
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { buildCheckout } from "./compare/build-checkout";
import { selectCases } from "./compare/cases";
import { CONNECTIONS, createContender } from "./compare/contender";
import { toCheckouts } from "./compare/options";
import { type RestedSubject, startRested } from "./compare/servers/rested";
import { type Stage, withStage } from "./compare/stage";
import { findFreePort } from "./compare/subject";
import { startReaders } from "./load/run-readers";
import { listSelfTimes, toFlameGraph } from "./profile/flame-graph";
import { type CpuProfile, connectInspector, type Inspector } from "./support/inspector";

const WARM_UP_SECONDS = 3;
const LISTED = 25;

const text = { type: "string" } as const;
const { values } = parseArgs({ options: { case: text, seconds: text, svg: text, rested: text, node: text } });
const name = values.case ?? "create";
const seconds = Number(values.seconds ?? 5);
const { cases, fanOuts } = selectCases([name]);
const [checkout] = toCheckouts([values.rested ?? "."]);

if (checkout)
  await withStage(async (stage) => {
    await buildCheckout(checkout.dir);
    const inspectorPort = await findFreePort();
    const rested = stage.add(
      await startRested({
        name: checkout.name,
        env: checkout.env,
        checkout: checkout.dir,
        node: values.node ?? process.execPath,
        nodeArgs: [`--inspect=127.0.0.1:${inspectorPort}`],
        dir: path.join(stage.dir, "rested"),
      }),
    );
    const inspector = await connectInspector(inspectorPort);
    const profile = await profileLoad(stage, rested, inspector);
    inspector.close();
    for (const { share, label } of listSelfTimes(profile).slice(0, LISTED))
      console.log(`${(share * 100).toFixed(1).padStart(5)} %  ${label}`);
    if (values.svg !== undefined)
      fs.writeFileSync(values.svg, toFlameGraph(profile, `${cases[0]?.title ?? fanOuts[0]?.title}, ${seconds} s`));
  });

async function profileLoad({ generator, progress }: Stage, rested: RestedSubject, inspector: Inspector): Promise<CpuProfile> {
  const [fanOut] = fanOuts;
  const load = fanOut ? rested.fanOut?.publish : rested.cases[name];
  if (!load) throw new Error(`There is no case ${name}.`);
  const readers = startReaders();
  try {
    if (fanOut && rested.fanOut) await readers.open({ port: rested.port, count: fanOut.subscribers, stream: rested.fanOut.stream });
    const contender = createContender(rested, load, { generator, wrk: false });
    await contender.measure({ seconds: WARM_UP_SECONDS });
    await inspector.startProfile();
    const { perSecond } = await contender.measure({ seconds });
    progress(`${Math.round(perSecond)} requests/s with the profiler on, ${CONNECTIONS} connections`);
    return await inspector.stopProfile();
  } finally {
    readers.stop();
  }
}
