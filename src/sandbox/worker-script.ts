/** Finds the scripts of workers: built with the server, or bundled from the sources if the server runs from them. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, realpath, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod/mini";
import bundleOptions from "./worker-bundle.json" with { type: "json" };

/** A JSON file, because the build reads it too. This type restricts its values to those of esbuild. */
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

/** The sandbox worker's script. See {@link findBundledScript}. */
export function findWorkerScript(): Promise<string> {
  return findBundledScript("sandbox-worker", "./worker/worker.ts");
}

/** The import worker's script. See {@link findBundledScript}. */
export function findImportWorkerScript(): Promise<string> {
  return findBundledScript("import-worker", "../management/import/worker.ts");
}

/**
 * The real path of a worker's script, because a worker may read only that path. It is the script that scripts/setup/build.mjs has put next to the server's bundle,
 * or one that is bundled now from `source`, which is relative to this file. Throws if it cannot be made.
 */
async function findBundledScript(name: string, source: string): Promise<string> {
  const built = fileURLToPath(new URL(`./${name}.mjs`, import.meta.url));
  return realpath(existsSync(built) ? built : await bundle(name, fileURLToPath(new URL(source, import.meta.url))));
}

async function bundle(name: string, source: string): Promise<string> {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({ ...bundleSchema.parse(bundleOptions), entryPoints: [source], write: false });
  const [script] = outputFiles;
  if (!script) throw new Error(`The script ${name} was bundled into nothing.`);
  const file = path.join(CACHE, `${name}-${createHash("sha256").update(script.contents).digest("hex").slice(0, 16)}.mjs`);
  if (existsSync(file)) return file;
  await mkdir(CACHE, { recursive: true });
  // Other processes may read or write the same file, so it is replaced as a whole.
  const whole = `${file}.${process.pid}`;
  await writeFile(whole, script.contents);
  await rename(whole, file);
  return file;
}
