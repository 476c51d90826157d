/** `npm test`: runs every check that must pass before a change is merged. `npm test -- types unit` runs only those steps. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { build } from "./setup/build.mjs";
import { ensureChromium } from "./setup/chromium.mjs";
import { withLock } from "./setup/lock.mjs";
import { run, runPackage } from "./setup/run.mjs";
import { isSetting } from "./setup/settings.mjs";
import { enterProject, setUp } from "./setup/setup.mjs";
import { main, step, toSeconds } from "./setup/step.mjs";

// Outside of the checkout, so that two runs at the same time do not read each other's reports.
const reports = fs.mkdtempSync(path.join(os.tmpdir(), "rested-reports-"));
process.once("exit", () => fs.rmSync(reports, { recursive: true, force: true }));
const UNIT_REPORT = path.join(reports, "unit.json");
const FAULTS_REPORT = path.join(reports, "faults.json");
const E2E_REPORT = path.join(reports, "e2e.json");

const counts = { passed: 0, failed: 0 };

/** The steps in their order. Those with `report` are test runs, whose counts are summed. */
const STEPS = [
  {
    name: "lint",
    what: "format and lint",
    run: () => runPackage("@biomejs/biome/bin/biome", ["ci", `--colors=${process.stdout.isTTY ? "force" : "off"}`, "."], { show: true }),
  },
  { name: "knip", what: "unused code and packages", run: () => runPackage("knip/bin/knip.js", [], { show: true }) },
  { name: "types", what: "types", run: checkTypes },
  {
    name: "migrations",
    what: "migrations agree with the schema",
    run: () => runPackage("tsx/dist/cli.mjs", ["scripts/migrations/check.mjs"], { show: true }),
  },
  { name: "unit", what: "unit and contract tests", report: UNIT_REPORT, count: countUnit, run: runUnit },
  { name: "faults", what: "fault suite, short form", report: FAULTS_REPORT, count: (counted) => counted, run: runFaults },
  { name: "build", what: "build", run: () => withLock("setup", build) },
  { name: "speed", what: "ratios to a bare server", run: () => run(process.execPath, ["bench/main.mjs", "guard"], { show: true }) },
  { name: "e2e", what: "end-to-end tests", report: E2E_REPORT, count: countE2e, run: runE2e },
];

let chromium;

await main(async () => {
  enterProject();
  removeSettings();
  const steps = select(process.argv.slice(2));
  await withLock("setup", async () => {
    await setUp();
    if (steps.some((selected) => selected.name === "e2e" || selected.name === "unit")) {
      await step("Looking for Chromium", async () => {
        chromium = await ensureChromium();
        return chromium;
      });
    }
  });
  const stoppedAt = await runSteps(steps);
  if (stoppedAt) console.log(`\nStopped at ${stoppedAt}.`);
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  process.exit(stoppedAt ? 1 : 0);
});

/** Removes all settings from the environment, so that tests do not use the developer's settings, such as the database. */
function removeSettings() {
  for (const name of Object.keys(process.env)) if (isSetting(name)) delete process.env[name];
}

/** Runs the steps in order, stops at the first that fails, and returns its name. */
async function runSteps(steps) {
  for (const { name, what, report, count, run } of steps) {
    const startedAt = performance.now();
    console.log(`\n── ${name}: ${what}`);
    let failure;
    try {
      await run();
    } catch (error) {
      failure = error;
    }
    const counted = report && fs.existsSync(report) ? count(JSON.parse(fs.readFileSync(report, "utf8"))) : undefined;
    counts.passed += counted?.passed ?? 0;
    // A step that fails without a failed test counts as one failure.
    counts.failed += counted?.failed || (failure ? 1 : 0);
    if (failure) console.error(failure.message);
    console.log(`── ${name}: ${failure ? "FAILED" : "passed"} (${toSeconds(startedAt)})`);
    if (failure) return name;
  }
}

function select(names) {
  const unknown = names.filter((name) => !STEPS.some((known) => known.name === name));
  if (unknown.length > 0)
    throw new Error(`Unknown step: ${unknown.join(", ")}. The steps are: ${STEPS.map((known) => known.name).join(", ")}.`);
  // These run against the production build.
  const wanted = names.includes("e2e") || names.includes("speed") ? [...names, "build"] : names;
  return names.length === 0 ? STEPS : STEPS.filter((known) => wanted.includes(known.name));
}

async function checkTypes() {
  await runPackage("next/dist/bin/next", ["typegen"], { env: { NEXT_TELEMETRY_DISABLED: "1" } });
  await runPackage("typescript/bin/tsc", ["--noEmit"], { show: true });
}

function runUnit() {
  return runPackage("vitest/vitest.mjs", ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${UNIT_REPORT}`], {
    show: true,
    env: { NODE_ENV: "test", CHROMIUM_PATH: chromium },
  });
}

function runFaults() {
  return run(process.execPath, ["scripts/faults.mjs", "--short", "--report", FAULTS_REPORT], { show: true });
}

function runE2e() {
  // One run at a time: two would write to the same test-results, and slow each other down.
  return withLock("e2e", () =>
    runPackage("playwright/cli.js", ["test"], {
      show: true,
      env: { CHROMIUM_PATH: chromium, PLAYWRIGHT_JSON_OUTPUT_FILE: E2E_REPORT },
    }),
  );
}

function countUnit({ numPassedTests, numFailedTests }) {
  return { passed: numPassedTests, failed: numFailedTests };
}

function countE2e({ stats }) {
  return { passed: stats.expected + stats.flaky, failed: stats.unexpected };
}
