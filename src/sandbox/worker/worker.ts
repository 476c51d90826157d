/** The sandbox's worker: a process without environment, files or children, which does one job after the other and ends when the server does. */

import { type Answer, type Job, orderSchema, type Report, type WorkerSettings, workerSettingsSchema } from "../messages";
import { createJsonataMachine } from "./jsonata-machine";
import { createSchemaChecker } from "./schema-checker";

/** The overflow user and group: `nobody` on every Linux, and mapped in every container. */
const UNPRIVILEGED_ID = 65_534;

interface Bench {
  work(job: Job): Answer;
  /** Prepares the next job, and settles when it can be sent. */
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
    // The server has ended.
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

/**
 * As root, permanently changes to an unprivileged user and group, with which the system drops all capabilities. Does nothing otherwise, and on Windows. The
 * worker does this itself after its start, because Node.js and the script can be in folders that only root can read. If the system does not allow it
 * (a user namespace without that user), the worker stays root, and only Node's permission flag restricts it.
 */
function dropPrivileges(): void {
  if (process.getuid?.() !== 0) return;
  try {
    process.setgroups?.([UNPRIVILEGED_ID]);
    process.setgid?.(UNPRIVILEGED_ID);
    process.setuid?.(UNPRIVILEGED_ID);
  } catch {
    // The server checks the user of the process, and logs a warning.
  }
}
