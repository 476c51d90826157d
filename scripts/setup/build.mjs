/** Builds the dashboard and the server for production if their sources have changed. Uses only Node's own modules until it builds. */
import fs from "node:fs";
import { hashOf, readStamp, writeStamp } from "./hash.mjs";
import { runPackage } from "./run.mjs";

const STAMP = "dist/sources";
/** The server looks for them next to itself (src/sandbox/worker-script.ts). */
const WORKERS = [
  { outfile: "dist/sandbox-worker.mjs", entryPoint: "src/sandbox/worker/worker.ts" },
  { outfile: "dist/import-worker.mjs", entryPoint: "src/management/import/worker.ts" },
];
const OUTPUTS = ["dist/server.js", ".next/BUILD_ID", ...WORKERS.map(({ outfile }) => outfile)];
const SOURCES = [
  ...["app", "src", "public", "prisma/schema.prisma", "server.ts", "proxy.ts"],
  ...["next.config.js", "postcss.config.mjs", "tsconfig.json", "package-lock.json", "scripts/setup/build.mjs"],
];

/** Returns "unchanged" if there is nothing to do. */
export async function build() {
  const hash = hashOf(SOURCES, { skip: (file) => file === "src/db/prisma/generated" || /\.test\.tsx?$/.test(file) });
  if (readStamp(STAMP) === hash && OUTPUTS.every((file) => fs.existsSync(file))) return "unchanged";
  fs.rmSync(STAMP, { force: true });
  await runPackage("next/dist/bin/next", ["build"], { env: { NODE_ENV: "production", NEXT_TELEMETRY_DISABLED: "1" } });
  await bundleServer("server.ts", "dist/server.js");
  for (const { outfile, entryPoint } of WORKERS) await bundleWorker(outfile, entryPoint);
  writeStamp(STAMP, hash);
}

/** Bundles code for Node.js, without packages. */
export async function bundleServer(entryPoint, outfile) {
  const esbuild = await import("esbuild");
  await esbuild.build({
    entryPoints: [entryPoint],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    sourcemap: true,
    logLevel: "silent",
  });
}

/** Bundles a worker with everything that it needs, because the sandbox's worker cannot read other files. */
export async function bundleWorker(outfile, entryPoint = "src/sandbox/worker/worker.ts") {
  const esbuild = await import("esbuild");
  const options = JSON.parse(fs.readFileSync("src/sandbox/worker-bundle.json", "utf8"));
  await esbuild.build({ ...options, entryPoints: [entryPoint], outfile });
}
