/** Prepares the checkout for every command: checks Node.js, installs packages, generates the Prisma client. Uses only Node's own modules. */
import fs from "node:fs";
import { fileURLToPath } from "node:url";
import { hashOf, readStamp, writeStamp } from "./hash.mjs";
import { install } from "./install.mjs";
import { runPackage } from "./run.mjs";
import { step } from "./step.mjs";

const RECOMMENDED_NODE = 24;
const CLIENT_STAMP = "node_modules/.rested/prisma-client";

/** Runs the three steps. Call it while holding the lock `setup`. */
export async function setUp() {
  await step("Checking Node.js", () => {
    checkNodeVersion();
    return process.versions.node;
  });
  await step("Installing packages", install);
  await step("Generating the Prisma client", generateClient);
}

/** Changes to the project's folder, whatever the current one is. */
export function enterProject() {
  process.chdir(fileURLToPath(new URL("../..", import.meta.url)));
}

/** Throws, with instructions, if Node.js is older than package.json requires. Written so that older versions can parse it. */
export function checkNodeVersion() {
  const { engines } = JSON.parse(fs.readFileSync("package.json", "utf8"));
  const wanted = /\d+(\.\d+)*/.exec(engines.node)[0];
  const isOld = wanted
    .split(".")
    .map((part, index) => Number(process.versions.node.split(".")[index]) - Number(part))
    .find((difference) => difference !== 0);
  if (isOld === undefined || isOld > 0) return;
  throw new Error(`Node.js ${process.versions.node} is too old: ${wanted} or newer is needed. Get it from https://nodejs.org/.`);
}

/** A sentence that recommends a newer Node.js to people who start a server. Undefined from the recommended version on. */
export function toNodeAdvice(version) {
  if (Number(version.split(".")[0]) >= RECOMMENDED_NODE) return undefined;
  // docs/performance.md has the figures.
  return `Node.js ${RECOMMENDED_NODE} is recommended: on the same machine it serves about 1.4 times as many requests as Node.js 20.`;
}

/** Generates the Prisma client when the schema has changed, and returns "unchanged" when it has not. Needs no network. */
async function generateClient() {
  // Where the client was before: Git and the checks ignore the new folder only.
  fs.rmSync("src/db/generated", { recursive: true, force: true });
  const hash = hashOf(["prisma/schema.prisma", "prisma.config.ts", "node_modules/prisma/package.json"]);
  if (readStamp(CLIENT_STAMP) === hash && fs.existsSync("src/db/prisma/generated/client.ts")) return "unchanged";
  // Prisma would download an engine that generating does not use; any program in its place prevents that.
  const harmless = ["/bin/true", "/usr/bin/true"].find((file) => fs.existsSync(file)) ?? process.execPath;
  await runPackage("prisma/build/index.js", ["generate"], {
    env: { PRISMA_SCHEMA_ENGINE_BINARY: harmless, PRISMA_HIDE_UPDATE_MESSAGE: "1", CHECKPOINT_DISABLE: "1" },
  });
  writeStamp(CLIENT_STAMP, hash);
}
