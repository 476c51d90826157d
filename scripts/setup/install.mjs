/** Installs the packages of package-lock.json if they are not installed yet. Uses only Node's own modules. */
import fs from "node:fs";
import { hashOf, readStamp, writeStamp } from "./hash.mjs";
import { run } from "./run.mjs";

const STAMP = "node_modules/.rested/install";
/** The file in which npm records the installed packages. */
const INSTALLED = "node_modules/.package-lock.json";

/** Returns "unchanged" if there is nothing to do, which needs no network. */
export async function install() {
  const hash = hashOf(["package-lock.json"], { extra: [process.platform, process.arch] });
  if (readStamp(STAMP) === hash) return "unchanged";
  if (isInstalled()) {
    writeStamp(STAMP, hash);
    return "unchanged";
  }
  await npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--include=dev", "--include=optional"]);
  writeStamp(STAMP, hash);
}

/** Whether node_modules is complete, for example after `npm ci`, so that there is nothing to fetch. */
function isInstalled() {
  if (!fs.existsSync(INSTALLED)) return false;
  const packagesOf = (file) => JSON.parse(fs.readFileSync(file, "utf8")).packages;
  return findMissing(packagesOf("package-lock.json"), packagesOf(INSTALLED), process).length === 0;
}

/**
 * The places of the packages that the lock file requires on this platform and that are not installed in that version. Optional
 * packages count if they name this platform; npm decides about the others.
 */
export function findMissing(wanted, installed, { platform, arch }) {
  return Object.entries(wanted).flatMap(([place, { version, os, cpu, libc, optional }]) => {
    const isForUs = fits(os, platform) && fits(cpu, arch) && !(libc && !libc.includes("glibc")) && (!optional || os || cpu);
    return place === "" || !isForUs || installed[place]?.version === version ? [] : [place];
  });
}

/** Whether npm's list of systems or processors includes `own`. It has names, or names to exclude. */
function fits(list, own) {
  return !list || (list.some((name) => !name.startsWith("!")) ? list.includes(own) : !list.includes(`!${own}`));
}

function npm(args) {
  const script = process.env.npm_execpath;
  if (script?.endsWith(".js")) return run(process.execPath, [script, ...args]);
  return run("npm", args, { shell: process.platform === "win32" });
}
