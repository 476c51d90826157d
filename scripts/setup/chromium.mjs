/** Finds a Chromium for the end-to-end tests, or lets Playwright download its own. Uses only Node's own modules until it needs Playwright. */
import fs from "node:fs";
import { runPackage } from "./run.mjs";

const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome-stable",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/** The path of an installed Chromium: that in CHROMIUM_PATH, otherwise the system's. Undefined: at most Playwright's own is installed. */
export function findChromium() {
  return process.env.CHROMIUM_PATH || PLACES.find((place) => fs.existsSync(place));
}

/** The path of a Chromium that exists. Downloads Playwright's own if there is none. */
export async function ensureChromium() {
  const found = findChromium();
  if (found) {
    if (fs.existsSync(found)) return found;
    throw new Error(`There is no Chromium at ${found}. Correct CHROMIUM_PATH, or remove it.`);
  }
  const { chromium } = await import("playwright");
  const own = chromium.executablePath();
  if (!fs.existsSync(own)) await runPackage("playwright/cli.js", ["install", "chromium"]);
  return own;
}
