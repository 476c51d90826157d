/** Generates the Prisma client when the schema has changed. Node's own modules only. */
import fs from "node:fs";
import { hashOf, readStamp, writeStamp } from "./hash.mjs";
import { runPackage } from "./run.mjs";

const STAMP = "node_modules/.rested/prisma-client";

/** Answers "unchanged" when there is nothing to do. Needs no network. */
export async function generate() {
  const hash = hashOf(["prisma/schema.prisma", "prisma.config.ts", "node_modules/prisma/package.json"]);
  if (readStamp(STAMP) === hash && fs.existsSync("src/db/prisma/generated/client.ts")) return "unchanged";
  // Prisma would download an engine that generating does not use; any program in its place keeps it from that.
  const harmless = ["/bin/true", "/usr/bin/true"].find((file) => fs.existsSync(file)) ?? process.execPath;
  await runPackage("prisma/build/index.js", ["generate"], {
    env: { PRISMA_SCHEMA_ENGINE_BINARY: harmless, PRISMA_HIDE_UPDATE_MESSAGE: "1", CHECKPOINT_DISABLE: "1" },
  });
  writeStamp(STAMP, hash);
}
