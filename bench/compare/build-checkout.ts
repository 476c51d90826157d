/** Builds a checkout for production, as `npm start` does. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Does nothing if the build of `dir` is up to date. Its packages must be installed. */
export async function buildCheckout(dir: string): Promise<void> {
  const script = 'const { build } = await import("./scripts/setup/build.mjs"); await build();';
  await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { cwd: dir });
}
