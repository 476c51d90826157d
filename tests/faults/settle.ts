/** Waits until all commits have reached all subscribers, and then reads the log and the records. */
import type pg from "pg";
import { until } from "@/tests/support/until";
import type { Deployment } from "./deployment/deployment";
import type { Target } from "./deployment/world";
import { RECOVERY_TIMEOUT_MS } from "./fault";
import type { LoggedChange, Recipient, Truth } from "./judge";
import type { CheckingSubscriber } from "./subscriber";

type Stored = Truth["stored"][number];

/**
 * A write whose writer has stopped waiting may still be in progress, so this is repeated until nothing is written between two
 * readings. A subscriber that does not receive everything in time is judged with what it has.
 */
export async function settle(options: {
  deployment: Deployment;
  targets: readonly Target[];
  subscribers: readonly CheckingSubscriber[];
}): Promise<{ truths: Truth[]; recipients: Recipient[] }> {
  const { deployment, targets, subscribers } = options;
  const { pool } = deployment.postgres;
  for (;;) {
    const before = await Promise.all(targets.map((target) => readTruth(pool, target)));
    const isPatient = await waitForAll(subscribers, before);
    const answers = await Promise.all(targets.map((target) => readFromNodes(deployment, target)));
    const recipients = subscribers.map((subscriber, index) => toRecipient(subscriber, index, before));
    const after = await Promise.all(targets.map((target) => readTruth(pool, target)));
    const isQuiet = after.every(({ log }, index) => log.length === before[index]?.log.length);
    if (!isQuiet && isPatient) continue;
    return { truths: after.map((truth, index) => ({ ...truth, stored: [...truth.stored, ...(answers[index] ?? [])] })), recipients };
  }
}

/** False: a subscriber still lacks a change. */
async function waitForAll(subscribers: readonly CheckingSubscriber[], truths: readonly Truth[]): Promise<boolean> {
  const dueSeqs = subscribers.map(({ options: { endpointId, owner, filter } }) => {
    const log = truths.find((truth) => truth.endpointId === endpointId)?.log ?? [];
    const isDue = ({ ownerId, recordId }: LoggedChange) => (owner === null || ownerId === owner) && (filter?.isTrue(recordId) ?? true);
    return log.findLast(isDue)?.seq ?? 0;
  });
  try {
    await until(
      "every subscriber to receive everything",
      () => subscribers.every((subscriber, index) => subscriber.seq() >= (dueSeqs[index] ?? 0)),
      {
        timeoutMs: RECOVERY_TIMEOUT_MS,
      },
    );
    return true;
  } catch {
    return false;
  }
}

function toRecipient({ options, startSeq, changes, gaps }: CheckingSubscriber, index: number, truths: readonly Truth[]): Recipient {
  const { endpointId, owner, filter, node } = options;
  return {
    name: `subscriber ${index} (first at node ${node % 2}${owner === null ? "" : ", a user"}${filter === undefined ? "" : ", with a filter"})`,
    ...{ endpointId, owner, gaps, wants: filter?.isTrue },
    startSeq: startSeq ?? 0,
    endSeq: truths.find((truth) => truth.endpointId === endpointId)?.log.at(-1)?.seq ?? 0,
    changes: [...changes],
  };
}

/** The log and the records at one moment, read from the database directly. */
export async function readTruth(pool: pg.Pool, { endpointId }: Target): Promise<Truth> {
  const { rows } = await pool.query<{ log: LoggedChange[]; records: { id: string; data: unknown }[] }>(
    `SELECT
       (SELECT coalesce(json_agg(json_build_object('seq', seq, 'type', type, 'recordId', replace("recordId"::text, '-', ''), 'data', data,
          'ownerId', replace("ownerId"::text, '-', '')) ORDER BY seq), '[]') FROM "Change" WHERE "endpointId" = $1) AS log,
       (SELECT coalesce(json_agg(json_build_object('id', replace(id::text, '-', ''), 'data', data)), '[]') FROM "Record" WHERE "endpointId" = $1) AS records`,
    [endpointId],
  );
  const [row] = rows;
  if (!row) throw new Error("PostgreSQL returned no row.");
  return {
    endpointId,
    log: row.log.map((change) => ({ ...change, data: JSON.stringify(change.data) })),
    stored: [{ source: "the table", records: toRecords(row.records) }],
  };
}

/** The response of each node to a GET of all records. */
function readFromNodes({ nodes, world }: Deployment, target: Target): Promise<Stored[]> {
  return Promise.all(
    nodes.map(async ({ origin }, index) => {
      const records = await until(
        "a node to respond with a list",
        async () => {
          const response = await fetch(`${origin}${target.path}`, { headers: world.masterHeaders, signal: AbortSignal.timeout(30_000) });
          return response.ok ? ((await response.json()) as { uniqueId: string; data: unknown }[]) : undefined;
        },
        { timeoutMs: RECOVERY_TIMEOUT_MS },
      );
      return { source: `node ${index}`, records: toRecords(records.map(({ uniqueId, data }) => ({ id: uniqueId, data }))) };
    }),
  );
}

function toRecords(rows: readonly { id: string; data: unknown }[]): Map<string, string> {
  return new Map(rows.map(({ id, data }) => [id, JSON.stringify(data)]));
}
