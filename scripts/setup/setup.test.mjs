import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hashOf } from "./hash.mjs";
import { findMissing } from "./install.mjs";
import { withLock } from "./lock.mjs";
import { run } from "./run.mjs";
import { checkNodeVersion, toNodeAdvice } from "./setup.mjs";

const home = process.cwd();
let folder;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "rested-scripts-"));
  process.chdir(folder);
});

afterEach(() => {
  process.chdir(home);
  fs.rmSync(folder, { recursive: true });
});

describe("the hash of sources", () => {
  test("changes with contents, names and missing files, but not with times or skipped files", () => {
    fs.mkdirSync("src/deep", { recursive: true });
    fs.writeFileSync("src/deep/a.ts", "1");
    const hash = () => hashOf(["src", "server.ts"], { skip: (file) => file.endsWith(".test.ts") });
    const first = hash();
    fs.utimesSync("src/deep/a.ts", 1, 1);
    fs.writeFileSync("src/a.test.ts", "test");
    expect(hash()).toBe(first);
    fs.writeFileSync("src/deep/a.ts", "2");
    const changed = hash();
    fs.renameSync("src/deep/a.ts", "src/deep/b.ts");
    const renamed = hash();
    fs.writeFileSync("server.ts", "");
    expect(new Set([first, changed, renamed, hash()]).size).toBe(4);
  });
});

describe("installed packages", () => {
  const wanted = {
    "": { version: "1.0.0" },
    "node_modules/a": { version: "1.0.0" },
    "node_modules/linux": { version: "2.0.0", os: ["linux"], cpu: ["x64"], optional: true },
    "node_modules/mac": { version: "2.0.0", os: ["darwin"], optional: true },
    "node_modules/only-for-mac": { version: "2.0.0", optional: true },
    "node_modules/not-windows": { version: "2.0.0", os: ["!win32"] },
    "node_modules/musl": { version: "2.0.0", os: ["linux"], libc: ["musl"], optional: true },
  };
  const linux = { platform: "linux", arch: "x64" };

  test("are complete if those of this platform are installed", () => {
    const installed = {
      "node_modules/a": { version: "1.0.0" },
      "node_modules/linux": { version: "2.0.0" },
      "node_modules/not-windows": { version: "2.0.0" },
    };
    expect(findMissing(wanted, installed, linux)).toEqual([]);
  });

  test("are incomplete if one is missing or has another version, including an optional one of this platform", () => {
    const installed = { "node_modules/a": { version: "1.0.1" }, "node_modules/not-windows": { version: "2.0.0" } };
    expect(findMissing(wanted, installed, linux)).toEqual(["node_modules/a", "node_modules/linux"]);
    expect(findMissing(wanted, installed, { platform: "win32", arch: "x64" })).toEqual(["node_modules/a"]);
  });
});

describe("the lock", () => {
  test("is held by one process at a time", async () => {
    const order = [];
    let leave;
    const first = withLock("setup", async () => {
      order.push("first in");
      await new Promise((resolve) => {
        leave = resolve;
      });
      order.push("first out");
    });
    const second = withLock("setup", async () => void order.push("second in"));
    const other = withLock("e2e", async () => void order.push("another lock"));
    await other;
    leave();
    await Promise.all([first, second]);
    expect(order).toEqual(["first in", "another lock", "first out", "second in"]);
  });

  test("is free again after a failure", async () => {
    await expect(withLock("setup", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await withLock("setup", async () => "in")).toBe("in");
  });

  test("is ignored if its process was killed", async () => {
    const script = `import { withLock } from ${JSON.stringify(new URL("./lock.mjs", import.meta.url).href)}; await withLock("setup", () => { console.log("in"); return new Promise((resolve) => setTimeout(resolve, 60_000)); });`;
    const holder = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    await once(holder.stdout, "data");
    holder.kill("SIGKILL");
    await once(holder, "exit");
    expect(await withLock("setup", async () => "in")).toBe("in");
  });
});

describe("Node.js", () => {
  test.each([
    [">=20.19.0", true],
    [">=20", true],
    [`>=${process.versions.node}`, true],
    [">=20.19.0 <99", true],
    [">=999.0.0", false],
  ])("%s", (engine, isEnough) => {
    fs.writeFileSync("package.json", JSON.stringify({ engines: { node: engine } }));
    if (isEnough) expect(checkNodeVersion).not.toThrow();
    else expect(checkNodeVersion).toThrow(`Node.js ${process.versions.node} is too old: 999.0.0 or newer is needed.`);
  });

  test.each(["20.19.0", "22.22.0"])("%s works, and npm start recommends 24", (version) => {
    expect(toNodeAdvice(version)).toContain("Node.js 24 is recommended");
  });

  test.each(["24.0.0", "26.1.0"])("%s needs no advice", (version) => {
    expect(toNodeAdvice(version)).toBeUndefined();
  });
});

describe("programs", () => {
  test("have no standard input, and show their output when they fail", async () => {
    await run(process.execPath, ["-e", 'process.stdin.on("end", () => process.exit(0)).resume()']);
    await expect(run(process.execPath, ["-e", 'console.log("out"); console.error("why"); process.exit(3)'])).rejects.toThrow(
      /out\nwhy\n[\s\S]* ended with exit code 3\.$/,
    );
    await expect(run("no-such-program", [])).rejects.toThrow("no-such-program could not be started");
  });
});

describe("npm test", () => {
  test("removes the developer's settings, including those of Redis", async () => {
    const preload = path.join(folder, "preload.mjs");
    const names = "Object.keys(process.env).filter((name) => /REDIS|RESTED|DATABASE|PG/.test(name))";
    fs.writeFileSync(preload, `process.on("exit", () => console.log("left:", ${names}));`);
    const mine = { REDIS_URL: "redis://mine", DATABASE_URL: "postgres://mine", PGHOST: "mine", RESTED_SECRET: "mine" };
    // An unknown step ends the command before it does anything.
    const child = spawn(process.execPath, ["--import", preload, path.join(home, "scripts/test.mjs"), "--help"], {
      env: { PATH: process.env.PATH, ...mine },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece) => (output += piece));
    await once(child, "close");
    expect(output).toContain("The steps are: ");
    expect(output).toContain("left: []");
  });
});
