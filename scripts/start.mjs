/** `npm start`: sets up the checkout, builds the server if its sources have changed, and starts it. */
import fs from "node:fs";
import { build } from "./setup/build.mjs";
import { withLock } from "./setup/lock.mjs";
import { enterProject, setUp, toNodeAdvice } from "./setup/setup.mjs";
import { main, step } from "./setup/step.mjs";

await main(async () => {
  enterProject();
  await withLock("setup", async () => {
    await setUp();
    await step("Building the dashboard and the server", build);
  });
  const advice = toNodeAdvice(process.versions.node);
  if (advice !== undefined) console.log(advice);
  if (fs.existsSync(".env")) process.loadEnvFile(".env");
  process.env.NODE_ENV = "production";
  process.env.NEXT_TELEMETRY_DISABLED = "1";
  process.setSourceMapsEnabled(true);
  // In this process, so that signals from the terminal reach the server directly.
  await import("../dist/server.js");
});
