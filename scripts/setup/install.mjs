/** Installs the packages of package-lock.json when they are not installed yet. Node's own modules only. */
import fs from "node:fs";
import { hashOf, readStamp, writeStamp } from "./hash.mjs";
import { run } from "./run.mjs";

const STAMP = "node_modules/.rested/install";
/** What npm itself notes about what is installed. */
const INSTALLED = "node_modules/.package-lock.json";

/** Answers "unchanged" when there is nothing to do. Needs no network then. */
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

/** Whether somebody ran `npm ci`, or copied node_modules: then there is nothing to fetch. */
function isInstalled() {
  if (!fs.existsSync(INSTALLED)) return false;
  const packagesOf = (file) => JSON.parse(fs.readFileSync(file, "utf8")).packages;
  return findMissing(packagesOf("package-lock.json"), packagesOf(INSTALLED), process).length === 0;
}

/**
 * The places of packages that the lock file wants on this platform, and that are not installed in that version. Optional
 * ones count when they name this platform; npm leaves the others out as it sees fit.
 */
export function findMissing(wanted, installed, { platform, arch }) {
  return Object.entries(wanted).flatMap(([place, { version, os, cpu, libc, optional }]) => {
    const isForUs = fits(os, platform) && fits(cpu, arch) && !(libc && !libc.includes("glibc")) && (!optional || os || cpu);
    return place === "" || !isForUs || installed[place]?.version === version ? [] : [place];
  });
}

/** npm's os and cpu lists: names, or names to leave out. */
function fits(list, own) {
  return !list || (list.some((name) => !name.startsWith("!")) ? list.includes(own) : !list.includes(`!${own}`));
}

function npm(args) {
  const script = process.env.npm_execpath;
  if (script?.endsWith(".js")) return run(process.execPath, [script, ...args]);
  return run("npm", args, { shell: process.platform === "win32" });
}
