/** Tests several nodes and nodes that are killed (H3): one node at a time delivers a webhook, another takes over, and nothing is lost. */
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { type BundledNode, bundleNode } from "@/tests/faults/deployment/bundled-node";
import { createNodeProcess, type NodeProcess } from "@/tests/faults/deployment/node-process";
import { type ManageServer, startManageServer } from "@/tests/support/servers/manage-server";
import { until } from "@/tests/support/until";
import { OK, type Received, readMember } from "@/tests/support/webhooks/webhook-receiver";
import { createWorldOn, WEBHOOK_CONFIG, type WebhookWorld } from "@/tests/support/webhooks/webhook-world";

const TAKEOVER_MS = 30_000;

let server: ManageServer;
let bundle: BundledNode;
let dir: string;
let world: WebhookWorld;
const nodes: NodeProcess[] = [];

beforeAll(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), "rested-webhooks-"));
  bundle = await bundleNode();
  server = await startManageServer(WEBHOOK_CONFIG);
  // Only the other processes deliver.
  await server.runtime.webhooks.stop();
}, 120_000);
afterAll(async () => {
  await server.stop();
  bundle.remove();
  await rm(dir, { recursive: true, force: true });
});
beforeEach(async () => {
  world = await createWorldOn(server);
});
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.kill()));
  await world.close();
});

async function startNode(): Promise<NodeProcess> {
  const name = `node-${nodes.length}`;
  const node = createNodeProcess({
    script: bundle.script,
    host: "127.0.0.1",
    env: {
      PATH: process.env.PATH ?? "",
      DATABASE_URL: server.databaseUrl,
      RESTED_SECRET: server.runtime.secret,
      RESTED_DATA_DIR: path.join(dir, name),
      RESTED_DATABASE_CONNECTIONS_MAX: "10",
      RESTED_POLL_INTERVAL_MS: "200",
      RESTED_OUTBOUND_ALLOWED: "127.0.0.1",
      RESTED_WEBHOOK_HTTP: "1",
    },
    logFile: path.join(dir, `${name}.log`),
  });
  nodes.push(node);
  await node.start();
  return node;
}

async function createHook(): Promise<void> {
  const answer = await world.call("POST", `projects/${world.projectId}/webhooks`, { url: world.receiver.url });
  expect(answer.status, answer.text).toBe(201);
}

const idsOf = (received: readonly Received[]) => new Set(received.map(({ id }) => id));

/** Each record's changes in the order of their first arrival. */
function firstVersions(received: readonly Received[]): Map<string, number[]> {
  const seen = new Set<string>();
  const versions = new Map<string, number[]>();
  for (const { id, event } of received) {
    if (seen.has(id)) continue;
    seen.add(id);
    versions.set(event.record.uniqueId, [...(versions.get(event.record.uniqueId) ?? []), Number(readMember(event, "v"))]);
  }
  return versions;
}

it("[H3] a node that is killed between a request and its response is replaced, and the event arrives again with its id", async () => {
  world.receiver.respond(() => undefined);
  await createHook();
  const first = await startNode();
  const record = await world.write({ v: 1 });
  await world.write({ v: 2 }, record);
  await world.receiver.take(1);
  await startNode();
  await first.kill();
  world.receiver.respond(OK);
  await until("both changes", () => idsOf(world.receiver.received).size === 2, { timeoutMs: TAKEOVER_MS });
  const [before, again, last] = world.receiver.received;
  expect([again?.id, again?.text]).toEqual([before?.id, before?.text]);
  expect(last?.event.record.data).toEqual({ v: 2 });
}, 90_000);

it("[H3] nodes are killed in turn while changes arrive: each arrives, and those of each record in order", async () => {
  await createHook();
  const running = [await startNode(), await startNode()];
  const records = await Promise.all(Array.from({ length: 4 }, () => world.write({ v: 0 })));
  for (let v = 1; v <= 12; v += 1) {
    await Promise.all(records.map((record) => world.write({ v }, record)));
    // Every fourth change, another node is killed in the middle of its work, and started again.
    if (v % 4 !== 0) continue;
    const victim = running[(v / 4) % 2];
    await until("a request", () => world.receiver.received.length > 0, { timeoutMs: TAKEOVER_MS });
    await victim?.kill();
    await victim?.start();
  }
  await until("all changes", () => idsOf(world.receiver.received).size === 52, { timeoutMs: TAKEOVER_MS });
  const versions = firstVersions(world.receiver.received);
  expect([...versions.values()]).toEqual(records.map(() => Array.from({ length: 13 }, (_, v) => v)));
}, 120_000);
