/** Finds the scripts of workers. They are built with the server, or bundled on demand if the server runs from its sources. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, realpath, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod/mini";
import bundleOptions from "./worker-bundle.json" with { type: "json" };

/** The options are in a JSON file, because the build (scripts/setup/build.mjs) reads them too. */
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
 * Returns the real path of a worker's script, because a worker may read only that path. The script is in the same folder as the server's bundle, where
 * scripts/setup/build.mjs puts it. Otherwise it is bundled now from `source`, which is relative to this file. Throws if the script cannot be bundled.
 */
async function findBundledScript(name: string, source: string): Promise<string> {
  const built = fileURLToPath(new URL(`./${name}.mjs`, import.meta.url));
  return realpath(existsSync(built) ? built : await bundle(name, fileURLToPath(new URL(source, import.meta.url))));
}

async function bundle(name: string, source: string): Promise<string> {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({ ...bundleSchema.parse(bundleOptions), entryPoints: [source], write: false });
  const [script] = outputFiles;
  if (!script) throw new Error(`The script ${name} was bundled into no file.`);
  const file = path.join(CACHE, `${name}-${createHash("sha256").update(script.contents).digest("hex").slice(0, 16)}.mjs`);
  if (existsSync(file)) return file;
  await mkdir(CACHE, { recursive: true });
  // Other processes may read or write the same file, so it is replaced as a whole.
  const temporary = `${file}.${process.pid}`;
  await writeFile(temporary, script.contents);
  await rename(temporary, file);
  return file;
}
