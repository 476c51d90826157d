/** The import worker: a process that reads one file from standard input, and reports one batch of records per request of the server. */
import { createReadStream } from "node:fs";
import { isAppError } from "@/src/shared/errors";
import type { FoundCharset } from "./charset";
import { type ImportReport, importReportSchema, importSettingsSchema, NEXT } from "./messages";
import { readItems } from "./read-items";

// Terminals and service managers signal whole process groups, but the server decides when its workers end.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
process.on("disconnect", () => process.exit());

/** Resolves when the server requests the next report. */
const asked = createAsked();

await run();

async function run(): Promise<void> {
  const settings = importSettingsSchema.parse(JSON.parse(process.argv[2] ?? ""));
  const file = createReadStream("", { fd: 0, autoClose: false });
  try {
    let found: FoundCharset = { name: "utf-8", isGuess: false };
    const onFound = (charset: FoundCharset) => {
      found = charset;
    };
    for await (const batch of readItems(file, { ...settings, cpuMs, onFound })) {
      await report({ type: "batch", data: batch.map(({ data }) => data), lines: batch.map(({ line }) => line) });
    }
    await report({ type: "end", ...found });
  } catch (error) {
    await report(toReport(error));
  }
}

async function report(message: ImportReport): Promise<void> {
  await asked();
  process.send?.(message, undefined, undefined, (error) => {
    // The server has ended.
    if (error) process.exit();
  });
}

function toReport(error: unknown): ImportReport {
  const refused = importReportSchema.safeParse({
    type: "refused",
    code: isAppError(error) ? error.code : "",
    detail: String((error as Error).message),
  });
  return refused.success ? refused.data : { type: "failed", message: String(error) };
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function createAsked(): () => Promise<void> {
  let open = 0;
  let resume: (() => void) | undefined;
  process.on("message", (message) => {
    if (message !== NEXT) return;
    open += 1;
    resume?.();
  });
  return async () => {
    while (open === 0) await new Promise<void>((resolve) => (resume = resolve));
    open -= 1;
  };
}
