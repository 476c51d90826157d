import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDashboardAddress, removeDashboardAddress } from "./dashboard-address";

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), "rested-address-"));
});

afterEach(() => rm(dir, { recursive: true, force: true }));

/** The id of a process that has ended. */
const findFreePid = () => spawnSync(process.execPath, ["--version"]).pid;

test("[W28] the folder of the socket is removed with everything in it", async () => {
  const address = await createDashboardAddress(dir);
  expect(await readdir(dir)).toHaveLength(1);
  removeDashboardAddress(address);
  expect(await readdir(dir)).toEqual([]);
  removeDashboardAddress(address);
});

test("[W28] a start removes the folders of servers that were killed, and no others", async () => {
  const [free, kept] = [findFreePid(), `rested-dashboard-${process.ppid}-of-a-running-server`];
  const open = `rested-dashboard-${free}-open`;
  for (const name of [`rested-dashboard-${free}-a`, `rested-dashboard-${process.pid}-b`, "rested-another", kept, open]) {
    await mkdir(path.join(dir, name));
  }
  // A server in another container, which shares the folder.
  const server = net.createServer().listen(path.join(dir, open, "socket"));
  try {
    const address = await createDashboardAddress(dir);
    expect((await readdir(dir)).toSorted()).toEqual([open, kept, path.basename(path.dirname(address.path)), "rested-another"].toSorted());
  } finally {
    server.close();
  }
});
