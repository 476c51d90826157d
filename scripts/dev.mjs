/** `npm run dev`: sets up the checkout and starts the server from its sources. When they change, the server restarts and pages reload. */
import fs from "node:fs";
import { withLock } from "./setup/lock.mjs";
import { runForeground } from "./setup/run.mjs";
import { enterProject, setUp } from "./setup/setup.mjs";
import { main } from "./setup/step.mjs";

await main(async () => {
  enterProject();
  await withLock("setup", setUp);
  if (fs.existsSync(".env")) process.loadEnvFile(".env");
  const env = { NODE_ENV: "development", NEXT_TELEMETRY_DISABLED: "1" };
  process.exitCode = await runForeground(
    process.execPath,
    ["node_modules/tsx/dist/cli.mjs", "watch", "--clear-screen=false", "server.ts"],
    { env },
  );
});
