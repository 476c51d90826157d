/** One run: writers write, subscribers read, something breaks, everything recovers, and the results are compared with the writes. */
import { until } from "@/tests/support/until";
import type { Deployment } from "./deployment/deployment";
import type { Target } from "./deployment/world";
import { type Fault, RECOVERY_TIMEOUT_MS, type Scene } from "./fault";
import { judge, type Verdict } from "./judge";
import type { DeliveryVerdict } from "./judge-deliveries";
import { createLedger, type Ledger } from "./ledger";
import { createRandom } from "./random";
import { settle } from "./settle";
import { CheckingSubscriber, type Filter, type Received } from "./subscriber";
import { startWriters, type Writer } from "./writers";

export interface RunResult extends Verdict {
  /** The mails or changes by webhook that arrived, and how many arrivals were repetitions. */
  delivered: number;
  repeated: number;
  /** The number of acknowledged writes. */
  writes: number;
  /** The number of changes that subscribers received. */
  deliveries: number;
  recoveryMs: number;
}

const NOTHING_DELIVERED: DeliveryVerdict = { lost: 0, doubled: 0, outOfOrder: 0, unauthorised: 0, problems: [], delivered: 0, repeated: 0 };
const START_TIMEOUT_MS = 30_000;
const OPEN_WRITERS = 4;
const OPEN_SUBSCRIBERS = 6;
/** Half of the records, by the last digit of their ids. */
const HALF: Filter = {
  expression: "$contains('02468ace', $substring(uniqueId, 31))",
  isTrue: (recordId) => "02468ace".includes(recordId.slice(31)),
};

/** `place`: the number of the run in its deployment; `run`: among all runs of the fault. Throws if the deployment does not recover, so that the run cannot be judged. */
export async function runOnce(options: {
  deployment: Deployment;
  fault: Fault;
  place: number;
  run: number;
  isShort: boolean;
  seed: number;
}): Promise<RunResult> {
  const { deployment, fault, place, run, isShort, seed } = options;
  const targets = deployment.world.targets(place);
  const { open, secret } = targets;
  const ledger = createLedger();
  const { subscribers, subscribe } = createAudience(deployment, open, secret);
  await waitForStarts(subscribers, START_TIMEOUT_MS);
  const origins = deployment.nodes.map(({ origin }) => origin);
  const writers = startWriters({ writers: toWriters(deployment, open, secret), origins, ledger, load: fault.load });
  const acknowledged = (count: number) => waitForWrites(ledger, count);
  try {
    const scene: Scene = {
      ...{ deployment, ledger, writers, subscribers, run, isShort, subscribe, acknowledged, targets },
      random: createRandom(seed),
    };
    await acknowledged(fault.writesAround);
    const { endedAt, check, deliveries } = await fault.inject(scene);
    const recoveryMs = await waitForRecovery(scene, endedAt);
    await acknowledged(fault.writesAround);
    await writers.stop();
    const problems = [...ledger.refusals, ...((await check?.()) ?? [])];
    const others = (await deliveries?.()) ?? NOTHING_DELIVERED;
    const { truths, recipients } = await settle({ deployment, targets: [open, secret], subscribers });
    const verdict = judge({ truths, attempts: ledger.attempts(), subscribers: recipients });
    return {
      lost: verdict.lost + problems.length + others.lost,
      doubled: verdict.doubled + others.doubled,
      outOfOrder: verdict.outOfOrder + others.outOfOrder,
      unauthorised: verdict.unauthorised + others.unauthorised,
      problems: [...problems, ...others.problems, ...verdict.problems],
      delivered: others.delivered,
      repeated: others.repeated,
      writes: ledger.acknowledgedCount(),
      deliveries: subscribers.reduce((sum, { changes }) => sum + changes.length, 0),
      recoveryMs,
    };
  } finally {
    await writers.stop();
    await Promise.all(subscribers.map((subscriber) => subscriber.stop()));
  }
}

/** Writers with the key alone, and one for each user. */
function toWriters({ world }: Deployment, open: Target, secret: Target): Writer[] {
  return [
    ...Array.from({ length: OPEN_WRITERS }, () => ({ target: open, headers: {} })),
    ...world.people.map(({ headers }) => ({ target: secret, headers })),
  ];
}

/** Half of the subscribers stay with their node; the others try another node after each lost connection. */
function createAudience({ nodes, world }: Deployment, open: Target, secret: Target) {
  const received = new Map<string, Received>([open, secret].map(({ endpointId }) => [endpointId, new Map()]));
  const subscribers: CheckingSubscriber[] = [];
  const add = (target: Target, subscriber: Partial<CheckingSubscriber["options"]>) => {
    const added = new CheckingSubscriber({
      ...{ node: 0, roams: false, headers: {}, owner: null },
      ...subscriber,
      urls: nodes.map(({ origin }) => `${origin.replace(/^http/, "ws")}${target.path}`),
      endpointId: target.endpointId,
      received: received.get(target.endpointId) ?? new Map(),
    });
    subscribers.push(added);
    added.start();
    return added;
  };
  for (let n = 0; n < OPEN_SUBSCRIBERS; n++) add(open, { node: n, roams: n >= OPEN_SUBSCRIBERS / 2 });
  for (const [n, { id, headers }] of world.people.entries()) add(secret, { node: n, roams: n % 4 >= 2, headers, owner: id });
  add(secret, { roams: true, headers: world.masterHeaders });
  for (const roams of [false, true]) add(open, { roams, filter: HALF });
  for (const { id, headers } of world.people.slice(0, 1)) add(secret, { node: 1, headers, owner: id, filter: HALF });
  const subscribe: Scene["subscribe"] = async (count, { timeoutMs = START_TIMEOUT_MS, ...subscriber }) => {
    const added = Array.from({ length: count }, () => add(open, subscriber));
    await waitForStarts(added, timeoutMs);
    return added;
  };
  return { subscribers, subscribe };
}

async function waitForStarts(subscribers: readonly CheckingSubscriber[], timeoutMs: number): Promise<void> {
  await until("every subscriber to be connected", () => subscribers.every(({ startSeq }) => startSeq !== undefined), { timeoutMs });
}

async function waitForWrites(ledger: Ledger, count: number): Promise<void> {
  const goal = ledger.acknowledgedCount() + count;
  await until(`${count} acknowledged writes`, () => ledger.acknowledgedCount() >= goal, { timeoutMs: RECOVERY_TIMEOUT_MS });
}

/** Waits until each node has acknowledged a write that was sent after the fault, and each subscriber has received one. Returns the time that took. */
async function waitForRecovery({ deployment, ledger, subscribers }: Scene, endedAt: number): Promise<number> {
  const isServed = ({ changes }: CheckingSubscriber) => (ledger.find(changes.at(-1)?.attemptId ?? "")?.sentAt ?? 0) >= endedAt;
  await until(
    "each node to accept writes, and each subscriber to receive them",
    () => deployment.nodes.every((_, node) => ledger.hasAcknowledgedSince(node, endedAt)) && subscribers.every(isServed),
    { timeoutMs: RECOVERY_TIMEOUT_MS },
  );
  return performance.now() - endedAt;
}
