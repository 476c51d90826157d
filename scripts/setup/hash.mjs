/** Content hashes, and the stamp files that store them. Uses only Node's own modules. */
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";

/** The hash of the files' and folders' contents, and of `extra`. A missing file changes the hash too. `skip` excludes paths. */
export function hashOf(paths, { skip = () => false, extra = [] } = {}) {
  const hash = createHash("sha256").update(JSON.stringify(extra));
  for (const file of paths.flatMap((given) => listFiles(given, skip))) {
    hash.update(`\0${file}\0`).update(fs.existsSync(file) ? createHash("sha256").update(fs.readFileSync(file)).digest() : "missing");
  }
  return hash.digest("hex");
}

function listFiles(given, skip) {
  if (skip(given)) return [];
  if (!fs.statSync(given, { throwIfNoEntry: false })?.isDirectory()) return [given];
  return fs
    .readdirSync(given)
    .sort()
    .flatMap((name) => listFiles(path.posix.join(given, name), skip));
}

/** The text of a stamp file. Undefined if there is none. */
export function readStamp(file) {
  return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : undefined;
}

export function writeStamp(file, text) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
}
