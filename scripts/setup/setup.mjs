/** What every command does first: the right Node.js, packages, the generated Prisma client. Node's own modules only. */
import { fileURLToPath } from "node:url";
import { generate } from "./generate.mjs";
import { install } from "./install.mjs";
import { checkNodeVersion } from "./node-version.mjs";
import { step } from "./step.mjs";

/** Call it while holding the lock. */
export async function setUp() {
  await step("Checking Node.js", () => {
    checkNodeVersion();
    return process.versions.node;
  });
  await step("Installing packages", install);
  await step("Generating the Prisma client", generate);
}

/** Goes to the project's folder, wherever the command was called from. */
export function enterProject() {
  process.chdir(fileURLToPath(new URL("../..", import.meta.url)));
}
