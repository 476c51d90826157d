/** The setting of a bench: a temporary folder, the load generator, and servers, all of which end with it, also on Ctrl+C. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { createCleanup } from "@/src/runtime/cleanup";
import { type LoadGenerator, startLoadGenerator } from "../load/run-load";

const EXIT_MS = 1_000;

export interface Stage {
  /** A temporary folder. */
  dir: string;
  generator: LoadGenerator;
  /** Stops the server at the end, and returns it. */
  add<Server extends { stop(): Promise<void> }>(server: Server): Server;
  /** Prints a line with the time since the start. */
  progress(text: string): void;
}

/** Ends the process a second after `run`, with its `exitCode`. */
export async function withStage(run: (stage: Stage) => Promise<void>): Promise<void> {
  const startedAt = performance.now();
  const cleanup = createCleanup();
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "rested-bench-"));
  cleanup.add(() => fs.rmSync(dir, { recursive: true, force: true }));
  const generator = startLoadGenerator();
  cleanup.add(async () => generator.stop());
  const onSignal = () => void cleanup.run().finally(() => process.exit(1));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, onSignal);
  try {
    await run({
      dir,
      generator,
      add: (server) => {
        cleanup.add(server.stop);
        return server;
      },
      progress: (text) => console.log(`${((performance.now() - startedAt) / 60_000).toFixed(1).padStart(5)} min  ${text}`),
    });
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, onSignal);
    await cleanup.run();
    // A connection that a failed case left open must not keep the process running.
    setTimeout(() => process.exit(), EXIT_MS).unref();
  }
}
