/** Makes of node.ts what the production build makes of server.ts: it starts as fast, and takes as much memory. */
import fs from "node:fs";
import path from "node:path";
import { bundleServer, bundleWorker } from "@/scripts/setup/build.mjs";

export interface BundledNode {
  /** The script's path. */
  script: string;
  remove(): void;
}

export async function bundleNode(): Promise<BundledNode> {
  // Below node_modules, where the bundle finds its packages.
  const cache = path.resolve("node_modules/.cache");
  fs.mkdirSync(cache, { recursive: true });
  const dir = fs.mkdtempSync(path.join(cache, "rested-node-"));
  const script = path.join(dir, "node.mjs");
  await bundleServer("tests/faults/deployment/node.ts", script);
  await bundleWorker(path.join(dir, "sandbox-worker.mjs"));
  return { script, remove: () => fs.rmSync(dir, { recursive: true, force: true }) };
}
