/** The script of a sandbox worker: runs one job at a time, without environment, file access or child processes, and exits when the server exits. */

import { type Answer, type Job, jobMessageSchema, type Report, type WorkerSettings, workerSettingsSchema } from "../messages";
import { createFunctionMachine } from "./function-machine";
import { createJsonataMachine } from "./jsonata-machine";
import { createSchemaChecker } from "./schema-checker";

/** The overflow user and group: `nobody` on Linux, and mapped in every container. */
const UNPRIVILEGED_ID = 65_534;

interface JobRunner {
  run(job: Job): Answer;
  /** Removes the traces of the last job. Settles when the next job can be sent. */
  tidy(): Promise<void>;
}

// Terminals and service managers send signals to whole process groups. The server decides when its workers exit.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
process.on("disconnect", () => process.exit());

dropPrivileges();
const runner = await createRunner(workerSettingsSchema.parse(JSON.parse(process.argv[2] ?? "")));
process.on("message", (message: unknown) => {
  const { id, job } = jobMessageSchema.parse(message);
  report({ type: "begun", id });
  report({ type: "answer", id, answer: runner.run(job) });
  void runner.tidy().then(() => report({ type: "ready" }));
});
report({ type: "ready" });

function report(message: Report): void {
  process.send?.(message, undefined, undefined, (error) => {
    // The server has ended.
    if (error) process.exit();
  });
}

async function createRunner(settings: WorkerSettings): Promise<JobRunner> {
  if (settings.kind === "schema") {
    const checker = createSchemaChecker(settings);
    return { run: (job) => checker.check(job), tidy: async () => undefined };
  }
  if (settings.kind === "function") {
    const functions = await createFunctionMachine(settings);
    return {
      run: (job) => {
        if (job.kind === "check_function") return functions.check(job);
        if (job.kind === "judge") return functions.judge(job);
        throw new Error(`This worker cannot run a job of kind ${job.kind}.`);
      },
      tidy: () => functions.renew(),
    };
  }
  const machine = await createJsonataMachine(settings);
  return {
    run: (job) => {
      if (job.kind === "evaluate") return machine.evaluate(job.expression, job.input);
      if (job.kind === "filter") return machine.filter(job.expression, job.inputs);
      throw new Error(`This worker cannot run a job of kind ${job.kind}.`);
    },
    tidy: () => machine.renew(),
  };
}

/**
 * If the process runs as root, permanently changes to an unprivileged user and group, so that the system drops all capabilities. The
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
