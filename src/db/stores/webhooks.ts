/** Stores webhooks for the nodes that deliver them: leases, work, positions and the results of deliveries. */
import type { DeliveryOutcome, ParkedBody, ParkedDelivery, UnreadLog, WebhookRound, WebhookStore } from "@/src/core/webhooks/ports";
import type { RawStatements } from "@/src/db/raw-statements";
import { nameStatement } from "@/src/db/statement";
import type { ChangeType } from "@/src/shared/streams/protocol";

/** Finished deliveries are kept for this time, and this many of each webhook. */
const KEEP_DAYS = 7;
const KEEP_MAX = 1_000;
const SWEEP_BATCH = 5_000;
/** A success makes retries due whose last try is older than this: the receiver is available again. */
const REVIVE_AFTER_SECONDS = 60;
/** The logs that one round may choose from. */
const UNREAD_MAX = 20;

/** The logs of `w` with changes that it has not read. */
const UNREAD = `"Endpoint" e LEFT JOIN "WebhookPosition" p ON p."webhookId" = w.id AND p."endpointId" = e.id
  WHERE e."projectId" = w."projectId" AND (w."allEndpoints" OR e.id = ANY (w."endpointIds"))
    AND (coalesce(p.seq, 0) <> e.seq OR p.epoch <> e.epoch)`;

// now(), which an index can use: clock_timestamp() would be compared with each delivery that waits.
const CLAIM = nameStatement(
  "rested_claim_webhooks",
  `WITH open AS (
    SELECT w.id, project."ownerId", l."until", project."ownerId" = ANY ($6::uuid[]) AS "isSlow",
      row_number() OVER (PARTITION BY project."ownerId" ORDER BY l."until" NULLS FIRST, w.id) AS place
    FROM "Webhook" w JOIN "Project" project ON project.id = w."projectId" LEFT JOIN "WebhookLease" l ON l."webhookId" = w.id
    WHERE w.state = 'active' AND (l."until" IS NULL OR l."until" <= clock_timestamp())
      AND (w."holdUntil" IS NULL OR w."holdUntil" <= clock_timestamp()) AND NOT project."ownerId" = ANY ($5::uuid[])
      AND (EXISTS (SELECT 1 FROM "WebhookDelivery" d WHERE d."webhookId" = w.id AND d."nextAt" <= now())
        OR ((NOT w."isBlocked" OR NOT EXISTS (SELECT 1 FROM "WebhookDelivery" d WHERE d."webhookId" = w.id AND d."nextAt" IS NOT NULL))
          AND EXISTS (SELECT 1 FROM ${UNREAD})))
  ), ranked AS (
    SELECT id, "ownerId", "isSlow", row_number() OVER (PARTITION BY "isSlow" ORDER BY place, "until" NULLS FIRST) AS rank
    FROM open WHERE place <= CASE WHEN "isSlow" THEN $8::int ELSE $4::int END
  ), chosen AS (
    SELECT id, "ownerId" FROM ranked WHERE rank <= CASE WHEN "isSlow" THEN $7::int ELSE $3::int END
  ), leased AS (
    INSERT INTO "WebhookLease" AS held ("webhookId", "nodeId", "until")
    SELECT id, $1::uuid, clock_timestamp() + $2::int * interval '1 ms' FROM chosen ORDER BY id
    ON CONFLICT ("webhookId") DO UPDATE SET "nodeId" = EXCLUDED."nodeId", "until" = EXCLUDED."until" WHERE held."until" <= clock_timestamp()
    RETURNING "webhookId"
  )
  SELECT chosen.id::text AS id, chosen."ownerId"::text AS "ownerId" FROM chosen JOIN leased ON leased."webhookId" = chosen.id`,
);

const RENEW = nameStatement(
  "rested_renew_webhooks",
  `UPDATE "WebhookLease" SET "until" = clock_timestamp() + $3::int * interval '1 ms'
  WHERE "nodeId" = $1::uuid AND "webhookId" = ANY ($2::uuid[]) AND "until" > clock_timestamp() RETURNING "webhookId"::text AS id`,
);

/** The row stays: its time says which webhook has waited longest. */
const RELEASE = nameStatement(
  "rested_release_webhooks",
  `UPDATE "WebhookLease" SET "until" = clock_timestamp() WHERE "nodeId" = $1::uuid AND "webhookId" = ANY ($2::uuid[]) AND "until" > clock_timestamp()`,
);

const HELD = `"Webhook" w JOIN "WebhookLease" l ON l."webhookId" = w.id AND l."nodeId" = $1::uuid AND l."until" > clock_timestamp()`;

const LOAD = nameStatement(
  "rested_load_webhook",
  `SELECT w."projectId"::text AS "projectId", project."ownerId"::text AS "ownerId", w.url, w.operations::text[] AS operations, w.filter, w.secret,
    CASE WHEN w."previousSecretUntil" > clock_timestamp() THEN w."previousSecret" END AS "previousSecret", w.revision,
    coalesce(w."holdUntil" > clock_timestamp(), false) AS "isHeld"
  FROM ${HELD} JOIN "Project" project ON project.id = w."projectId" WHERE w.id = $2::uuid AND w.state = 'active'`,
);

const LOAD_UNREAD = nameStatement(
  "rested_load_unread_logs",
  `SELECT unread.* FROM "Webhook" w CROSS JOIN LATERAL (
    SELECT e.id::text AS "endpointId", e.name AS "endpointName", wire_id(p.epoch) AS epoch, p.seq::text AS seq, p.proof
    FROM ${UNREAD} ORDER BY p."movedAt" NULLS FIRST, e.id LIMIT ${UNREAD_MAX}) AS unread
  WHERE w.id = $1::uuid`,
);

const LOAD_PARKED = nameStatement(
  "rested_load_parked_deliveries",
  `SELECT d."eventId", d."endpointId"::text AS "endpointId", wire_id(d."recordId") AS "recordId", d.seq::text AS seq, d.state::text AS state,
    coalesce(d."nextAt" <= clock_timestamp(), false) AS "isDue", coalesce(octet_length(d.body), 0) AS bytes, e.id IS NULL AS "isOfDeleted"
  FROM "WebhookDelivery" d LEFT JOIN "Endpoint" e ON e.id = d."endpointId" AND e."projectId" IS NOT NULL
  WHERE d."webhookId" = $1::uuid AND d.state IN ('retrying', 'waiting') AND (e.id IS NOT NULL OR d.type = 'GAP') ORDER BY d.seq`,
);

const READ_BODIES = nameStatement(
  "rested_read_delivery_bodies",
  `SELECT d."eventId", wire_id(d.epoch) AS epoch, d.type, d.attempts, (extract(epoch FROM clock_timestamp() - d."firstAt") * 1000)::float8 AS "ageMs", d.body
  FROM "WebhookDelivery" d WHERE d."webhookId" = $1::uuid AND d."eventId" = ANY ($2::text[]) AND d.body IS NOT NULL`,
);

// The lease is locked first, so that a node that takes over waits for what this one stores, and this one stores nothing afterwards. The position moves only
// from where it was read, because the owner may have moved it for a replay.
const SAVE = nameStatement(
  "rested_save_webhook_round",
  `WITH lease AS (
    SELECT l."webhookId" FROM "WebhookLease" l WHERE l."nodeId" = $1::uuid AND l."webhookId" = $2::uuid AND l."until" > clock_timestamp() FOR UPDATE
  ), tried AS (
    INSERT INTO "WebhookDelivery" AS d (id, "webhookId", "endpointId", "eventId", "recordId", epoch, seq, type, state, attempts, status, error, excerpt,
      "durationMs", "firstAt", "lastAt", "nextAt", body)
    SELECT gen_random_uuid(), lease."webhookId", r."endpointId", r."eventId", r."recordId", r.epoch, r.seq, r.type, r.state::"WebhookDeliveryState",
      r.attempts, r.status, r.error, r.excerpt, r."durationMs", clock_timestamp(), clock_timestamp(), clock_timestamp() + r."retryMs" * interval '1 ms', r.body
    FROM lease CROSS JOIN json_to_recordset($3::json) AS r("endpointId" uuid, "eventId" text, "recordId" uuid, epoch uuid, seq bigint, type text,
      state text, attempts int, status int, error text, excerpt text, "durationMs" int, "retryMs" float8, body text)
    ON CONFLICT ("webhookId", "eventId") DO UPDATE SET state = EXCLUDED.state, attempts = d.attempts + EXCLUDED.attempts, status = EXCLUDED.status,
      error = EXCLUDED.error, excerpt = EXCLUDED.excerpt, "durationMs" = EXCLUDED."durationMs", "lastAt" = EXCLUDED."lastAt", "nextAt" = EXCLUDED."nextAt",
      "firstAt" = CASE WHEN d.state IN ('delivered', 'failed') THEN EXCLUDED."firstAt" ELSE d."firstAt" END,
      body = CASE WHEN EXCLUDED.state = 'delivered' AND d.type <> 'GAP' THEN NULL ELSE coalesce(EXCLUDED.body, d.body) END
    WHERE EXCLUDED.attempts > 0 OR d.state IN ('delivered', 'failed')
  ), moved AS (
    INSERT INTO "WebhookPosition" AS p ("webhookId", "endpointId", epoch, seq, proof, "movedAt")
    SELECT lease."webhookId", $4::uuid, $5::uuid, $6::bigint, $7::text, clock_timestamp() FROM lease WHERE $4::uuid IS NOT NULL
    ON CONFLICT ("webhookId", "endpointId") DO UPDATE SET epoch = EXCLUDED.epoch, seq = EXCLUDED.seq, proof = EXCLUDED.proof, "movedAt" = EXCLUDED."movedAt"
    WHERE p.epoch = $8::uuid AND p.seq = $9::bigint
  ), turned AS (
    UPDATE "WebhookDelivery" d SET
      state = CASE WHEN d."eventId" = ANY ($11::text[]) THEN 'waiting'::"WebhookDeliveryState" ELSE 'retrying'::"WebhookDeliveryState" END,
      "nextAt" = CASE WHEN d."eventId" = ANY ($11::text[]) THEN NULL ELSE clock_timestamp() END
    FROM lease WHERE d."webhookId" = lease."webhookId" AND d.state IN ('retrying', 'waiting') AND NOT d."eventId" = ANY ($12::text[])
      AND (d."eventId" = ANY ($10::text[]) OR d."eventId" = ANY ($11::text[]) OR ($13::boolean AND d.state = 'retrying' AND d."nextAt" > clock_timestamp()
        AND d."lastAt" < clock_timestamp() - interval '${REVIVE_AFTER_SECONDS} s'))
  )
  UPDATE "Webhook" w SET "isBlocked" = $14::boolean, "holdUntil" = coalesce(clock_timestamp() + $15::float8 * interval '1 ms', w."holdUntil"),
    "lastTriedAt" = CASE WHEN $16::boolean THEN clock_timestamp() ELSE w."lastTriedAt" END,
    "lastStatus" = CASE WHEN $16::boolean THEN $17::int ELSE w."lastStatus" END,
    "lastError" = CASE WHEN $16::boolean THEN $18::text ELSE w."lastError" END,
    "lastDeliveredAt" = CASE WHEN $13::boolean THEN clock_timestamp() ELSE w."lastDeliveredAt" END
  FROM lease WHERE w.id = lease."webhookId" AND w.state = 'active' RETURNING w.revision`,
);

const PAUSE = nameStatement(
  "rested_pause_webhook",
  `UPDATE "Webhook" SET state = 'paused', "pausedReason" = $3::text, "pausedDetail" = $4::text, revision = revision + 1
  WHERE id IN (SELECT w.id FROM ${HELD} WHERE w.id = $2::uuid) AND state = 'active'`,
);

const FIND_WATCHED = nameStatement(
  "rested_find_watched_endpoints",
  `SELECT DISTINCT e.id::text AS id FROM "Webhook" w JOIN "Endpoint" e ON e."projectId" = w."projectId" AND (w."allEndpoints" OR e.id = ANY (w."endpointIds"))
  WHERE w.state = 'active'`,
);

const SWEEP = nameStatement(
  "rested_sweep_deliveries",
  `DELETE FROM "WebhookDelivery" WHERE id IN (
    (SELECT id FROM "WebhookDelivery" WHERE state IN ('delivered', 'failed') AND "lastAt" < now() - make_interval(days => ${KEEP_DAYS})
      ORDER BY "lastAt" LIMIT ${SWEEP_BATCH})
    UNION ALL
    (SELECT old.id FROM "Webhook" w CROSS JOIN LATERAL (SELECT d.id FROM "WebhookDelivery" d
      WHERE d."webhookId" = w.id AND d.state IN ('delivered', 'failed') ORDER BY d."lastAt" DESC OFFSET ${KEEP_MAX}) AS old LIMIT ${SWEEP_BATCH}))`,
);

/** The rows that deleted endpoints leave, without their gaps, which are sent and then kept as others are. */
const SWEEP_POSITIONS = nameStatement(
  "rested_sweep_webhook_positions",
  `DELETE FROM "WebhookPosition" p WHERE NOT EXISTS (SELECT 1 FROM "Endpoint" e WHERE e.id = p."endpointId" AND e."projectId" IS NOT NULL)`,
);
const SWEEP_ORPHANS = nameStatement(
  "rested_sweep_orphaned_deliveries",
  `DELETE FROM "WebhookDelivery" d WHERE d.type <> 'GAP' AND NOT EXISTS (SELECT 1 FROM "Endpoint" e WHERE e.id = d."endpointId" AND e."projectId" IS NOT NULL)`,
);

interface WebhookRow {
  projectId: string;
  ownerId: string;
  url: string;
  operations: ChangeType[];
  filter: string | null;
  secret: Uint8Array;
  previousSecret: Uint8Array | null;
  revision: number;
  isHeld: boolean;
}

type UnreadRow = Pick<UnreadLog, "endpointId" | "endpointName"> & { epoch: string | null; seq: string | null; proof: string | null };

export function createWebhookStore({ db }: { db: RawStatements }): WebhookStore {
  return {
    async claim({ nodeId, leaseMs, limit, perOwner, busyOwners, slowOwners, slowLimit, perSlowOwner }) {
      const rooms = [limit, perOwner, busyOwners, slowOwners, slowLimit, perSlowOwner];
      return db.$queryRawUnsafe<{ id: string; ownerId: string }[]>(CLAIM, nodeId, leaseMs, ...rooms);
    },
    async renew(nodeId, webhookIds, leaseMs) {
      return (await db.$queryRawUnsafe<{ id: string }[]>(RENEW, nodeId, webhookIds, leaseMs)).map(({ id }) => id);
    },
    async release(nodeId, webhookIds) {
      await db.$executeRawUnsafe(RELEASE, nodeId, webhookIds);
    },
    async load(nodeId, id) {
      const [row] = await db.$queryRawUnsafe<WebhookRow[]>(LOAD, nodeId, id);
      if (!row) return undefined;
      const { secret, previousSecret, ...webhook } = row;
      const parked = await db.$queryRawUnsafe<(Omit<ParkedDelivery, "seq"> & { seq: string })[]>(LOAD_PARKED, id);
      const unread = await db.$queryRawUnsafe<UnreadRow[]>(LOAD_UNREAD, id);
      return {
        webhook: { id, ...webhook, sealedSecrets: previousSecret === null ? [secret] : [secret, previousSecret] },
        parked: parked.map((delivery) => ({ ...delivery, seq: Number(delivery.seq) })),
        unread: unread.map(toUnreadLog),
      };
    },
    readBodies: (webhookId, eventIds) => Promise.resolve(db.$queryRawUnsafe<ParkedBody[]>(READ_BODIES, webhookId, eventIds)),
    async save(nodeId, webhookId, round) {
      const [row] = await db.$queryRawUnsafe<{ revision: number }[]>(SAVE, nodeId, webhookId, ...toParameters(round));
      return row?.revision;
    },
    async pause(nodeId, webhookId, reason, detail) {
      await db.$executeRawUnsafe(PAUSE, nodeId, webhookId, reason, detail);
    },
    async findWatched() {
      return (await db.$queryRawUnsafe<{ id: string }[]>(FIND_WATCHED)).map(({ id }) => id);
    },
    async sweep() {
      await db.$executeRawUnsafe(SWEEP);
      await db.$executeRawUnsafe(SWEEP_POSITIONS);
      await db.$executeRawUnsafe(SWEEP_ORPHANS);
    },
  };
}

function toUnreadLog({ endpointId, endpointName, epoch, seq, proof }: UnreadRow): UnreadLog {
  const position = epoch === null || seq === null ? undefined : { epoch, seq: Number(seq), proof: proof ?? undefined };
  return { endpointId, endpointName, position };
}

/** The parameters of {@link SAVE} from the third on. */
function toParameters({ outcomes, move, promoted, demoted, isBlocked, holdMs }: WebhookRound): unknown[] {
  const tried = outcomes.filter(({ attempts }) => attempts > 0);
  const last = tried.at(-1);
  return [
    JSON.stringify(outcomes),
    ...[move?.endpointId ?? null, move?.to.epoch ?? null, move ? String(move.to.seq) : null, move?.to.proof ?? null],
    ...[move?.from?.epoch ?? null, move?.from ? String(move.from.seq) : null],
    ...[promoted, demoted, outcomes.map(({ eventId }: DeliveryOutcome) => eventId)],
    ...[tried.some(({ state }) => state === "delivered"), isBlocked, holdMs ?? null],
    ...[last !== undefined, last?.status ?? null, last?.error ?? null],
  ];
}
