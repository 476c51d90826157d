/** Computes password hashes in threads of low priority, so that other requests go first on a busy machine (ADR 23). */
import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { HASH_OPTIONS, type HashEngine } from "@/src/core/users/password-hasher";

/** Added to the process's niceness. While other threads are busy, a hash gets about a tenth of a processor. */
const NICENESS = 10;

/** CommonJS that runs from its text, because the server is one bundle. */
const SOURCE = `
const { parentPort, workerData } = require("node:worker_threads");
const { hashSync, verifySync } = require(workerData.argon2);
const { getPriority, setPriority } = require("node:os");
// On Linux each thread has its own priority, and this link names the thread.
const thread = Number(require("node:fs").readlinkSync("/proc/thread-self").split("/").pop());
setPriority(thread, Math.min(19, getPriority(0) + workerData.niceness));
parentPort.on("message", ({ stored, password }) => {
  try {
    parentPort.postMessage({ value: stored === null ? hashSync(password, workerData.options) : verifySync(stored, password) });
  } catch (error) {
    parentPort.postMessage({ problem: String(error) });
  }
});
`;

interface Job {
  /** Null: the password is to be hashed. */
  stored: string | null;
  password: string;
}

type Answer = { value: string | boolean } | { problem: string };

export interface HashThreads extends HashEngine {
  /** Ends the threads. Rejects the hashes that are under way. */
  close(): Promise<void>;
}

/** For Linux. A thread is started when all others are busy, and stays. So there are as many threads as hashes were computed at once. */
export function createHashThreads(): HashThreads {
  const workerData = { argon2: createRequire(import.meta.url).resolve("@node-rs/argon2"), options: HASH_OPTIONS, niceness: NICENESS };
  const all = new Set<Worker>();
  const idle: Worker[] = [];

  function start(): Worker {
    const worker = new Worker(SOURCE, { eval: true, workerData });
    // Does not keep an otherwise idle process alive.
    worker.unref();
    all.add(worker);
    // The job of the thread, if any, receives the error. A new thread starts when it is needed.
    worker.on("error", () => undefined);
    worker.once("exit", () => {
      all.delete(worker);
      const place = idle.indexOf(worker);
      if (place >= 0) idle.splice(place, 1);
    });
    return worker;
  }

  function run(job: Job): Promise<string | boolean> {
    const worker = idle.pop() ?? start();
    worker.ref();
    return new Promise((resolve, reject) => {
      const settle = () => {
        worker.off("message", onAnswer).off("error", reject).off("exit", onExit);
        worker.unref();
      };
      const onAnswer = (answer: Answer) => {
        settle();
        idle.push(worker);
        if ("value" in answer) resolve(answer.value);
        else reject(new Error(`A password could not be hashed: ${answer.problem}`));
      };
      const onExit = () => {
        settle();
        reject(new Error("The thread that hashed a password ended."));
      };
      worker.on("message", onAnswer).on("error", reject).on("exit", onExit);
      worker.postMessage(job);
    });
  }

  return {
    hash: async (password) => String(await run({ stored: null, password })),
    verify: async (stored, password) => (await run({ stored, password })) === true,
    close: async () => {
      await Promise.all([...all].map((worker) => worker.terminate()));
    },
  };
}
