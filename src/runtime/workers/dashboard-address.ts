/** The private socket on which the process with the dashboard receives requests from the workers (ADR 40). */
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { lstat, mkdtemp, readdir, rm } from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import type { DashboardAddress } from "./messages";

/** A folder is named after the process that made it: `rested-dashboard-PID-XXXXXX`. */
const PREFIX = "rested-dashboard-";
const FOLDER = new RegExp(`^${PREFIX}(\\d+)-`);

/**
 * The socket is in a new folder in `dir` that only this user can open. Not in the data folder, because the path of a socket has at most about 100 characters, and
 * a data folder can be on a network. Removes the folders of servers that were killed.
 */
export async function createDashboardAddress(dir = os.tmpdir()): Promise<DashboardAddress> {
  const secret = randomBytes(32).toString("base64url");
  if (process.platform === "win32") return { path: `\\\\.\\pipe\\rested-${randomBytes(16).toString("hex")}`, secret };
  await removeForgotten(dir);
  return { path: path.join(await mkdtemp(path.join(dir, `${PREFIX}${process.pid}-`)), "socket"), secret };
}

/** Synchronous, because it is the last thing that a process does. Can be called again, and by every process of the server. */
export function removeDashboardAddress(address: Pick<DashboardAddress, "path">): void {
  if (process.platform !== "win32") rmSync(path.dirname(address.path), { recursive: true, force: true });
}

async function removeForgotten(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    const pid = FOLDER.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    const folder = path.join(dir, name);
    // A process of another container is not visible here, but its socket responds.
    if ((await isOwn(folder)) && !(await isOpen(path.join(folder, "socket")))) await rm(folder, { recursive: true, force: true });
  }
}

/** False for the id of this process, which has no folder yet: the process with that folder was in an earlier run of the same container. */
function isAlive(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

async function isOwn(folder: string): Promise<boolean> {
  const stats = await lstat(folder).catch(() => undefined);
  return stats?.isDirectory() === true && stats.uid === process.getuid?.();
}

function isOpen(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(socketPath);
    const settle = (isThere: boolean) => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
}
