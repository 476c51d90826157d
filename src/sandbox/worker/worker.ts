/**
 * The sandbox's worker: a process without environment, files or children, that does one job after the other. It must not know who asks,
 * and ends when the server does.
 */

import { type Answer, type Job, orderSchema, type Report, type WorkerSettings, workerSettingsSchema } from "../messages";
import { dropPrivileges } from "./drop-privileges";
import { createJsonataMachine } from "./jsonata-machine";
import { createSchemaChecker } from "./schema-checker";

interface Bench {
  work(job: Job): Answer;
  /** Settles once the next job may come. */
  tidy(): Promise<void>;
}

// The terminal and service managers signal whole groups of processes. The server decides when its workers end.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
process.on("disconnect", () => process.exit());

dropPrivileges();
const bench = await createBench(workerSettingsSchema.parse(JSON.parse(process.argv[2] ?? "")));
process.on("message", (message: unknown) => {
  const { id, job } = orderSchema.parse(message);
  report({ type: "begun", id });
  report({ type: "answer", id, answer: bench.work(job) });
  void bench.tidy().then(() => report({ type: "ready" }));
});
report({ type: "ready" });

function report(message: Report): void {
  process.send?.(message, undefined, undefined, (error) => {
    // The server is gone.
    if (error) process.exit();
  });
}

async function createBench(settings: WorkerSettings): Promise<Bench> {
  if (settings.kind === "schema") {
    const checker = createSchemaChecker(settings);
    return { work: (job) => checker.check(job), tidy: async () => undefined };
  }
  const machine = await createJsonataMachine(settings);
  return {
    work: (job) => {
      if (job.kind === "evaluate") return machine.evaluate(job.expression, job.input);
      if (job.kind === "filter") return machine.filter(job.expression, job.inputs);
      throw new Error(`This worker can't ${job.kind}.`);
    },
    tidy: () => machine.renew(),
  };
}
