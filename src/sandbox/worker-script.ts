/** Finds the script that workers run: built with the server, or bundled from the sources where the server runs from them. It must not run it. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, realpath, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod/mini";
import bundleOptions from "./worker-bundle.json" with { type: "json" };

/** Next to the server's bundle, where scripts/setup/build.mjs puts it. */
const BUILT = fileURLToPath(new URL("./sandbox-worker.mjs", import.meta.url));
const SOURCE = fileURLToPath(new URL("./worker.ts", import.meta.url));
/** A JSON file, because the build reads it too; this says which of its values are which of esbuild's. */
const bundleSchema = z.object({
  bundle: z.literal(true),
  platform: z.literal("node"),
  format: z.literal("esm"),
  target: z.string(),
  minify: z.boolean(),
  legalComments: z.literal("none"),
  loader: z.record(z.string(), z.enum(["text", "binary"])),
  logLevel: z.literal("silent"),
});
const CACHE = path.resolve("node_modules/.cache/rested");

/** The script's real path: workers may read it under no other. From the sources it takes a moment. Raises when it can't be made. */
export async function findWorkerScript(): Promise<string> {
  return realpath(existsSync(BUILT) ? BUILT : await bundle());
}

async function bundle(): Promise<string> {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({ ...bundleSchema.parse(bundleOptions), entryPoints: [SOURCE], write: false });
  const [script] = outputFiles;
  if (!script) throw new Error("The sandbox's worker was bundled into nothing.");
  const file = path.join(CACHE, `sandbox-worker-${createHash("sha256").update(script.contents).digest("hex").slice(0, 16)}.mjs`);
  if (existsSync(file)) return file;
  await mkdir(CACHE, { recursive: true });
  // Others may be reading or writing the same file: it is there whole, or not at all.
  const whole = `${file}.${process.pid}`;
  await writeFile(whole, script.contents);
  await rename(whole, file);
  return file;
}
