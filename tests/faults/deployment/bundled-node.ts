/** Bundles node.ts as the production build bundles server.ts, so that its start and its memory are comparable. */
import fs from "node:fs";
import path from "node:path";
import { bundleServer, bundleWorker } from "@/scripts/setup/build.mjs";

export interface BundledNode {
  /** The path of the bundle. */
  script: string;
  remove(): void;
}

export async function bundleNode(): Promise<BundledNode> {
  // Below node_modules, so that the bundle finds its packages.
  const cache = path.resolve("node_modules/.cache");
  fs.mkdirSync(cache, { recursive: true });
  const dir = fs.mkdtempSync(path.join(cache, "rested-node-"));
  const script = path.join(dir, "node.mjs");
  await bundleServer("tests/faults/deployment/node.ts", script);
  await bundleWorker(path.join(dir, "sandbox-worker.mjs"));
  return { script, remove: () => fs.rmSync(dir, { recursive: true, force: true }) };
}
