/** Lets one process at a time do something to this checkout. Uses only Node's own modules. */
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 200;
const AGE_MAX_MS = 3_600_000;

/**
 * Does `work` while holding one of the checkout's locks: `setup` for packages and builds, `e2e` for end-to-end tests. Prints a
 * line if it has to wait. Locks of processes that have ended are ignored.
 * @template T
 * @param {"setup" | "e2e"} name
 * @param {() => Promise<T>} work
 */
export async function withLock(name, work) {
  // Each user has their own locks, because one user cannot remove the files of another.
  const whose = `${process.getuid?.() ?? ""}\0${fs.realpathSync(".")}`;
  const file = path.join(os.tmpdir(), `rested-${createHash("sha256").update(whose).digest("hex").slice(0, 16)}-${name}.lock`);
  for (let waits = 0; !take(file); waits++) {
    if (waits === 0) console.log(`Waiting for another command's ${name} in this folder (pid ${holderOf(file) ?? "unknown"}) …`);
    await delay(POLL_MS);
  }
  try {
    return await work();
  } finally {
    fs.rmSync(file, { force: true });
  }
}

function take(file) {
  if (isLeftOver(file)) fs.rmSync(file, { force: true });
  try {
    fs.writeFileSync(file, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

/** The pid in a very old lock, or one from before the last boot, may belong to another process now. */
function isLeftOver(file) {
  const holder = holderOf(file);
  if (holder === undefined) return false;
  const ageMs = Date.now() - (fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
  return !isAlive(holder) || ageMs > Math.min(AGE_MAX_MS, os.uptime() * 1000);
}

function holderOf(file) {
  try {
    return Number(fs.readFileSync(file, "utf8")) || undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
