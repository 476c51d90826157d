/** The options of Node.js with which `npm start` starts the server. */
import fs from "node:fs";
import path from "node:path";

/** From package.json of a checkout. Benchmarks start dist/server.js themselves, and must run it with the same options. */
export function readStartFlags(checkout: string): string[] {
  const { scripts } = JSON.parse(fs.readFileSync(path.join(checkout, "package.json"), "utf8")) as { scripts: { start: string } };
  return scripts.start.split(" ").filter((word) => word.startsWith("--"));
}
