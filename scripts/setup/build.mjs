/** Builds the dashboard and the server for production when their sources have changed. Node's own modules only, until it builds. */
import fs from "node:fs";
import { hashOf, readStamp, writeStamp } from "./hash.mjs";
import { runPackage } from "./run.mjs";

const STAMP = "dist/sources";
/** The server looks for it next to itself (src/sandbox/worker-script.ts). */
const WORKER = "dist/sandbox-worker.mjs";
const SOURCES = [
  ...["app", "src", "public", "prisma/schema.prisma", "server.ts", "proxy.ts"],
  ...["next.config.ts", "postcss.config.mjs", "tsconfig.json", "package-lock.json", "scripts/setup/build.mjs"],
];

/** Answers "unchanged" when there is nothing to do. */
export async function build() {
  const hash = hashOf(SOURCES, { skip: (file) => file === "src/db/generated" || /\.test\.tsx?$/.test(file) });
  if (readStamp(STAMP) === hash && ["dist/server.js", WORKER, ".next/BUILD_ID"].every((file) => fs.existsSync(file))) return "unchanged";
  fs.rmSync(STAMP, { force: true });
  await runPackage("next/dist/bin/next", ["build"], { env: { NODE_ENV: "production", NEXT_TELEMETRY_DISABLED: "1" } });
  await bundleServer("server.ts", "dist/server.js");
  await bundleWorker(WORKER);
  writeStamp(STAMP, hash);
}

/** Bundles what runs in Node, all but the packages. */
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

/** Bundles the sandbox's worker, with all that it needs inside: it may read no other file. */
export async function bundleWorker(outfile) {
  const esbuild = await import("esbuild");
  const options = JSON.parse(fs.readFileSync("src/sandbox/worker-bundle.json", "utf8"));
  await esbuild.build({ ...options, entryPoints: ["src/sandbox/worker.ts"], outfile });
}
