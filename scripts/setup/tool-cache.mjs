/** Installs programs that only some checks need, from PyPI and npm, outside of the checkout. Uses only Node's own modules. */
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

const INSTALL_TIMEOUT_MS = 120_000;

/** The folder that keeps downloads from one run to the next. */
export function toCacheFolder(name) {
  const root = process.env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache");
  return path.join(root, "rested", name);
}

/**
 * A Python environment with these packages, each like `name==1.2.3`. Returns the folder of its programs, or the reason why there is
 * none: Python is missing, or the registry cannot be reached.
 * @param {string} name
 * @param {readonly string[]} packages
 * @returns {Promise<{ bin: string, packages: string } | { missing: string }>}
 */
export async function ensurePython(name, packages) {
  const python = ["python3", "python"].find((candidate) =>
    canRun(candidate, ["-c", "import sys, venv; sys.exit(sys.version_info < (3, 10))"]),
  );
  if (!python) return { missing: "Python 3.10 or later with its venv module is not installed" };
  return ensureTool(`${name}-${toHash(packages)}`, async (folder, signal) => {
    await runQuietly(python, ["-m", "venv", folder], { signal });
    const pip = path.join(folder, BIN, "python");
    await runQuietly(pip, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages], { signal });
  }).then((found) => ("missing" in found ? found : { bin: path.join(found.folder, BIN), packages: findSitePackages(found.folder) }));
}

/**
 * Runs `install` once to fill a folder of the cache. A folder that a crash left incomplete is created again.
 * @param {string} name
 * @param {(folder: string, signal: AbortSignal) => Promise<void>} install
 * @returns {Promise<{ folder: string } | { missing: string }>}
 */
export async function ensureTool(name, install) {
  const folder = toCacheFolder(name);
  const done = path.join(folder, ".complete");
  if (fs.existsSync(done)) return { folder };
  try {
    fs.rmSync(folder, { recursive: true, force: true });
    fs.mkdirSync(folder, { recursive: true });
    await install(folder, AbortSignal.timeout(INSTALL_TIMEOUT_MS));
    fs.writeFileSync(done, "");
    return { folder };
  } catch (error) {
    fs.rmSync(folder, { recursive: true, force: true });
    return { missing: `${name} could not be installed: ${String(error.message).split("\n").slice(-3).join(" ")}` };
  }
}

/** Whether a program can be started. */
export function canRun(command, args = ["--version"]) {
  try {
    execFileSync(command, args, { stdio: "ignore", timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}

/**
 * Runs a program to its end and returns its output. Throws with the output unless it exits with 0.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, signal?: AbortSignal }} [options]
 * @returns {Promise<string>}
 */
export async function runQuietly(command, args, { cwd, env, signal } = {}) {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"], signal });
  const kept = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => kept.push(chunk));
  const code = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const text = Buffer.concat(kept).toString("utf8").trim();
  if (code !== 0) throw new Error(`${text}\n${path.basename(command)} ended with ${code ?? "a signal"}.`);
  return text;
}

const BIN = process.platform === "win32" ? "Scripts" : "bin";

function findSitePackages(folder) {
  if (process.platform === "win32") return path.join(folder, "Lib", "site-packages");
  const [version = ""] = fs.readdirSync(path.join(folder, "lib"));
  return path.join(folder, "lib", version, "site-packages");
}

function toHash(packages) {
  return createHash("sha256").update(packages.join("\n")).digest("hex").slice(0, 12);
}
