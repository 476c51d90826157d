/** `npm run test:faults`: sets up the checkout and runs the fault suite. */
import { withLock } from "./setup/lock.mjs";
import { runForeground } from "./setup/run.mjs";
import { enterProject, setUp } from "./setup/setup.mjs";
import { main } from "./setup/step.mjs";

await main(async () => {
  enterProject();
  await withLock("setup", setUp);
  process.exitCode = await runForeground(process.execPath, ["--import", "tsx", "tests/faults/main.ts", ...process.argv.slice(2)]);
});
