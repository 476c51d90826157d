/** Lets one process at a time change this checkout's installed packages and build. Node's own modules only. */
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 200;

/** Does `work` while holding the checkout's lock. Says so when it has to wait. A lock of a process that ended does not count. */
export async function withLock(work) {
  const file = path.join(os.tmpdir(), `rested-${createHash("sha256").update(fs.realpathSync(".")).digest("hex").slice(0, 16)}.lock`);
  for (let waits = 0; !take(file); waits++) {
    if (waits === 0) console.log(`Waiting for another command in this folder (pid ${holderOf(file) ?? "unknown"}) …`);
    await delay(POLL_MS);
  }
  try {
    return await work();
  } finally {
    fs.rmSync(file, { force: true });
  }
}

function take(file) {
  const holder = holderOf(file);
  if (holder !== undefined && !isAlive(holder)) fs.rmSync(file, { force: true });
  try {
    fs.writeFileSync(file, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
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
