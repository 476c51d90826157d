/** Checks that this Node.js can run the project. Written so that older versions can read it. */
import fs from "node:fs";

/** Raises, with what to do, when Node.js is older than package.json asks for. */
export function checkNodeVersion() {
  const { engines } = JSON.parse(fs.readFileSync("package.json", "utf8"));
  const wanted = /\d+(\.\d+)*/.exec(engines.node)[0];
  const isOld = wanted
    .split(".")
    .map((part, index) => Number(process.versions.node.split(".")[index]) - Number(part))
    .find((difference) => difference !== 0);
  if (isOld === undefined || isOld > 0) return;
  throw new Error(`Node.js ${process.versions.node} is too old: ${wanted} or newer is needed. Get it from https://nodejs.org/.`);
}
