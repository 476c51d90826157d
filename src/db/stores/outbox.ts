/** Stores the queue of mails. Rows are locked in the order endpoint, mail, as record commits and enqueues lock them. */
import { randomUUID } from "node:crypto";
import type { Attempt, Delivery, LeasedMail, Outbox, QueuedMessage } from "@/src/core/mail/ports";
import type { SecretBox } from "@/src/core/secrets/secret-box";
import type { Db, DbTransaction } from "@/src/db/client";
import type { RawStatements } from "@/src/db/raw-statements";
import type { EndpointQueue } from "@/src/db/records/endpoint-queue";
import { nameStatement } from "@/src/db/statement";

/** The project and account of the server's own mails. */
const NOBODY = "00000000-0000-0000-0000-000000000000";
/** The mails that may wait: of a project, and of all projects of an account. Bytes are those of the sealed messages. */
export const WAITING_MAX = { project: 1_000, account: 4_000, projectBytes: 64 * 1024 * 1024, accountBytes: 256 * 1024 * 1024 };

// Counting stops at the limit, so a full queue is not read further.
const ADD = nameStatement(
  "rested_add_mail",
  `INSERT INTO "OutboxMail" (id, "projectId", "accountId", "endpointId", "recordId", "messageId", message, bytes)
  SELECT $1::uuid, $2::uuid, owner.id, $3::uuid, $4::uuid, $5, $6::bytea, length($6::bytea)
  FROM (SELECT "ownerId" AS id FROM "Project" WHERE id = $2::uuid UNION ALL SELECT $2::uuid WHERE $2::uuid = '${NOBODY}') owner
  CROSS JOIN LATERAL (SELECT count(*) AS n, coalesce(sum(bytes), 0) AS size
    FROM (SELECT bytes FROM "OutboxMail" WHERE "projectId" = $2::uuid LIMIT $7::int) AS m) AS project
  CROSS JOIN LATERAL (SELECT count(*) AS n, coalesce(sum(bytes), 0) AS size
    FROM (SELECT bytes FROM "OutboxMail" WHERE "accountId" = owner.id LIMIT $8::int) AS m) AS account
  WHERE project.n < $7::int AND account.n < $8::int AND project.size < $9::bigint AND account.size < $10::bigint
  RETURNING 1 AS added`,
);

// Jumps from project to project in the index, and locks the first due mail of each. Of an account with several projects, one is chosen at random.
const LEASE = nameStatement(
  "rested_lease_mails",
  `WITH RECURSIVE waiting AS (
    (SELECT "projectId", "accountId" FROM "OutboxMail" ORDER BY "projectId" LIMIT 1)
    UNION ALL
    SELECT next.* FROM waiting CROSS JOIN LATERAL (
      SELECT m."projectId", m."accountId" FROM "OutboxMail" m WHERE m."projectId" > waiting."projectId" ORDER BY m."projectId" LIMIT 1) AS next
  ), heads AS (
    SELECT waiting."accountId", own.host, coalesce(used.room, $7::int) AS room, due.id
    FROM waiting LEFT JOIN "ProjectEmail" own ON own."projectId" = waiting."projectId"
    LEFT JOIN unnest($6::text[], $9::int[]) AS used (host, room) ON used.host = own.host CROSS JOIN LATERAL (
      SELECT m.id FROM "OutboxMail" m WHERE m."projectId" = waiting."projectId" AND m."dueAt" <= now()
      ORDER BY m."dueAt" LIMIT 1 FOR UPDATE SKIP LOCKED) AS due
    WHERE waiting."accountId" <> ALL ($1::uuid[])
      AND CASE WHEN own.host IS NULL THEN NOT $8::boolean ELSE NOT $5::boolean AND coalesce(used.room, $7::int) > 0 END
  ), ranked AS (
    SELECT id, host, room, row_number() OVER (PARTITION BY host ORDER BY random()) AS place
    FROM (SELECT DISTINCT ON ("accountId") id, host, room FROM heads ORDER BY "accountId", random()) AS one
  ), chosen AS (
    SELECT id FROM ranked WHERE host IS NULL OR place <= room ORDER BY random() LIMIT $2::int
  )
  UPDATE "OutboxMail" m SET "leaseId" = $3::uuid, "dueAt" = now() + make_interval(secs => $4::float8 / 1000)
  FROM chosen WHERE m.id = chosen.id
  RETURNING m.id::text AS id, m."projectId"::text AS "projectId", m."accountId"::text AS "accountId", m."endpointId"::text AS "endpointId",
    wire_id(m."recordId") AS "recordId", m."messageId", m.message, m.attempts, m."createdAt" AS "queuedAt",
    (SELECT own.host FROM "ProjectEmail" own WHERE own."projectId" = m."projectId") AS host`,
);

const HELD = `id = $1::uuid AND "leaseId" = $2::uuid`;

const BEGIN = nameStatement(
  "rested_begin_mail",
  `UPDATE "OutboxMail" SET attempts = attempts + 1 WHERE ${HELD} AND ("projectId" = '${NOBODY}' OR EXISTS (
    SELECT 1 FROM "Project" p WHERE p.id = "projectId")) RETURNING attempts`,
);

const RENEW = nameStatement(
  "rested_renew_mail",
  `UPDATE "OutboxMail" SET "dueAt" = now() + make_interval(secs => $3::float8 / 1000) WHERE ${HELD}`,
);

const POSTPONE = nameStatement(
  "rested_postpone_mail",
  `UPDATE "OutboxMail" SET "leaseId" = NULL, "dueAt" = now() + make_interval(secs => $3::float8 / 1000), message = coalesce($4::bytea, message) WHERE ${HELD}`,
);

const DELETE = nameStatement("rested_delete_mail", `DELETE FROM "OutboxMail" WHERE ${HELD}`);

const CANCEL = nameStatement("rested_cancel_mails", `DELETE FROM "OutboxMail" WHERE "endpointId" = $1::uuid AND "recordId" = $2::uuid`);

// In this order, so that record and mail change together, and no other writer is between the read and the write.
const LOCK_ENDPOINT = nameStatement(
  "rested_lock_mail_endpoint",
  `SELECT 1 AS found FROM "Endpoint" WHERE id = $1::uuid AND "projectId" IS NOT NULL FOR NO KEY UPDATE`,
);

const READ_RECORD = nameStatement(
  "rested_read_mail_record",
  `SELECT data::text AS data FROM "Record" WHERE id = $2::uuid AND "endpointId" = $1::uuid AND "contentType" = 'json'`,
);

interface Row {
  id: string;
  projectId: string;
  accountId: string;
  endpointId: string | null;
  recordId: string | null;
  messageId: string;
  message: Uint8Array;
  attempts: number;
  queuedAt: Date;
  host: string | null;
}

export interface OutboxOptions {
  /** Writes records. */
  db: Db;
  queue: EndpointQueue;
  /** For statements that touch no record. */
  background: RawStatements;
  box: SecretBox;
}

export function createOutbox({ db, queue, background, box }: OutboxOptions): Outbox {
  const seal = (id: string, message: QueuedMessage) => box.seal(toPurpose(id), JSON.stringify(message));

  /** A mail that cannot be read must not delay the others. */
  function openMessage({ id, message }: Row): QueuedMessage | undefined {
    try {
      // The queue is the only writer of sealed messages.
      return JSON.parse(box.open(toPurpose(id), message)) as QueuedMessage;
    } catch {
      return undefined;
    }
  }

  function toMail(leaseId: string, row: Row): LeasedMail {
    const { id, messageId, attempts, queuedAt, host } = row;
    const message = openMessage(row);
    const record = row.endpointId === null || row.recordId === null ? null : { endpointId: row.endpointId, recordId: row.recordId };
    return {
      id,
      leaseId,
      projectId: toOwn(row.projectId),
      accountId: toOwn(row.accountId),
      host,
      record,
      messageId,
      message,
      attempts,
      queuedAt,
    };
  }

  /** Runs `work` in a transaction that may write the record of the mail. */
  const transact = <T>({ id, record }: LeasedMail, work: (tx: DbTransaction) => Promise<T>) =>
    queue.run(record?.endpointId ?? id, () => db.$transaction(work));

  return {
    async add(client, { id, projectId, record, messageId, message }) {
      const values = [id, projectId ?? NOBODY, record?.endpointId ?? null, record?.recordId ?? null, messageId, seal(id, message)];
      const limits = [WAITING_MAX.project, WAITING_MAX.account, WAITING_MAX.projectBytes, WAITING_MAX.accountBytes];
      return (await client.$queryRawUnsafe<unknown[]>(ADD, ...values, ...limits)).length > 0;
    },
    async lease({ max, maxPerHost, hosts, exceptAccounts, exceptOwnServers, exceptDeployment, leaseMs }) {
      const leaseId = randomUUID();
      const except = exceptAccounts.map((id) => id || NOBODY);
      const rooms = [exceptOwnServers, [...hosts.keys()], maxPerHost, exceptDeployment, [...hosts.values()]];
      const values = [except, max, leaseId, leaseMs, ...rooms];
      const rows = await background.$queryRawUnsafe<Row[]>(LEASE, ...values);
      return rows.map((row) => toMail(leaseId, row));
    },
    begin: (mail) =>
      transact(mail, async (tx) => {
        const found = await lockRecord(tx, mail);
        const [row] = found === "gone" ? [] : await tx.$queryRawUnsafe<{ attempts: number }[]>(BEGIN, mail.id, mail.leaseId);
        if (!row) {
          // Cancelled. If only the lease has ended, this deletes nothing.
          await tx.$executeRawUnsafe(DELETE, mail.id, mail.leaseId);
          return undefined;
        }
        const { attempts } = row;
        const recipients = mail.message?.recipients;
        await writeDelivery(tx, mail, found, { state: "sending", attempts, messageId: mail.messageId, error: null, recipients });
        return attempts;
      }),
    renew: async ({ id, leaseId }, leaseMs) => (await background.$executeRawUnsafe(RENEW, id, leaseId, leaseMs)) > 0,
    finish: (mail, attempts, attempt) =>
      transact(mail, async (tx) => {
        const found = await lockRecord(tx, mail);
        const changed = await settle(tx, mail, found === "gone" ? { state: "failed", error: null } : attempt, seal);
        if (changed === 0 || found === "gone") return;
        const state = attempt.state === "waiting" ? "queued" : attempt.state;
        const { error, recipients } = attempt;
        await writeDelivery(tx, mail, found, { state, attempts, messageId: mail.messageId, error, recipients });
      }),
    cancel: async ({ endpointId, recordId }) => void (await background.$executeRawUnsafe(CANCEL, endpointId, recordId)),
  };
}

/** Returns how many mails were changed: 0 if the lease has ended. */
function settle(
  tx: DbTransaction,
  { id, leaseId, message }: LeasedMail,
  attempt: Attempt,
  seal: (id: string, message: QueuedMessage) => Uint8Array,
): Promise<number> {
  if (attempt.state !== "waiting") return tx.$executeRawUnsafe(DELETE, id, leaseId);
  const { recipients, delayMs } = attempt;
  const remaining = recipients?.filter(({ state }) => state === "queued").map(({ address }) => address);
  return tx.$executeRawUnsafe(
    POSTPONE,
    id,
    leaseId,
    delayMs,
    recipients && message ? seal(id, { ...message, remaining, recipients }) : null,
  );
}

/** The data of the mail's record, or undefined if it has none. `gone`: the record or its endpoint was deleted. */
async function lockRecord(tx: DbTransaction, { record }: LeasedMail): Promise<{ data: string } | undefined | "gone"> {
  if (!record) return undefined;
  const locked = await tx.$queryRawUnsafe<unknown[]>(LOCK_ENDPOINT, record.endpointId);
  if (locked.length === 0) return "gone";
  const [row] = await tx.$queryRawUnsafe<{ data: string }[]>(READ_RECORD, record.endpointId, record.recordId);
  return row ?? "gone";
}

/** Replaces `delivery` in the record. */
async function writeDelivery(
  tx: DbTransaction,
  { record }: LeasedMail,
  found: { data: string } | undefined | "gone",
  delivery: Delivery,
): Promise<void> {
  if (!record || found === undefined || found === "gone") return;
  const before: unknown = JSON.parse(found.data);
  if (typeof before !== "object" || before === null || Array.isArray(before)) return;
  const data = JSON.stringify({ ...before, delivery });
  const [result] = await tx.record.commit(record.endpointId, [{ type: "PUT", id: record.recordId, contentType: "json", data }]);
  if (result?.outcome !== "ok") throw new Error(`the delivery of a mail was not stored: ${result?.outcome ?? "no result"}`);
}

/** Ids are written with and without dashes. */
function toPurpose(id: string): string {
  return `outbox mail ${id.replaceAll("-", "")}`;
}

function toOwn(id: string): string | null {
  return id === NOBODY ? null : id;
}
