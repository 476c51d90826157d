/** Requests for e-mails to users, with their counts (L9). Each is one row for an address, whether anybody has it or not. */
import type { ClaimedEmailRequest, UserEmailStore } from "@/src/core/users/email-ports";
import type { RawStatements } from "@/src/db/raw-statements";
import { nameStatement } from "@/src/db/statement";

/** A user's own changes cause at most this many e-mails to one address within the window. */
const OWN_MAX = 3;
const OWN_WINDOW_MS = 60 * 60 * 1000;

const REQUEST = nameStatement(
  "rested_request_email",
  `INSERT INTO "EmailRequest" AS r ("scopeId", kind, name, "isOwn", "startedAt", "dueAt")
  VALUES ($1::uuid, $2::"UserEmailKind", $3, $4, $5::timestamptz, $5::timestamptz)
  ON CONFLICT ("scopeId", kind, name, "isOwn") DO UPDATE SET
    count = CASE WHEN r."startedAt" <= $6::timestamptz THEN 1 ELSE r.count + 1 END,
    "startedAt" = CASE WHEN r."startedAt" <= $6::timestamptz THEN $5::timestamptz ELSE r."startedAt" END,
    "dueAt" = $5::timestamptz, failures = 0
  WHERE r."startedAt" <= $6::timestamptz OR r.count < $7::int`,
);

const STARTED_AT = nameStatement(
  "rested_email_request_start",
  `SELECT "startedAt" FROM "EmailRequest" WHERE "scopeId" = $1::uuid AND kind = $2::"UserEmailKind" AND name = $3 AND NOT "isOwn"`,
);

// Jumps from scope to scope in the index, and reads the first due requests of each, however many wait. Locks only what it claims.
const CLAIM = nameStatement(
  "rested_claim_email_requests",
  `WITH RECURSIVE scopes AS (
    (SELECT "scopeId" FROM "EmailRequest" WHERE "dueAt" IS NOT NULL ORDER BY "scopeId" LIMIT 1)
    UNION ALL
    SELECT next."scopeId" FROM scopes CROSS JOIN LATERAL (
      SELECT n."scopeId" FROM "EmailRequest" n WHERE n."dueAt" IS NOT NULL AND n."scopeId" > scopes."scopeId" ORDER BY n."scopeId" LIMIT 1) AS next
  ), ranked AS (
    SELECT d."scopeId", d.kind, d.name, d."isOwn", row_number() OVER (PARTITION BY coalesce(p."ownerId", d."scopeId") ORDER BY d."dueAt") AS turn
    FROM scopes LEFT JOIN "Endpoint" e ON e.id = scopes."scopeId" LEFT JOIN "Project" p ON p.id = e."projectId" CROSS JOIN LATERAL (
      SELECT r."scopeId", r.kind, r.name, r."isOwn", r."dueAt" FROM "EmailRequest" r
      WHERE r."scopeId" = scopes."scopeId" AND r."dueAt" <= $1::timestamptz ORDER BY r."dueAt" LIMIT $4::int) AS d
  ), due AS (
    SELECT one."scopeId", one.kind, one.name, one."isOwn" FROM ranked
    JOIN "EmailRequest" one ON one."scopeId" = ranked."scopeId" AND one.kind = ranked.kind AND one.name = ranked.name AND one."isOwn" = ranked."isOwn"
    WHERE ranked.turn <= $4::int AND one."dueAt" <= $1::timestamptz
    ORDER BY ranked.turn, random() LIMIT $3::int FOR UPDATE OF one SKIP LOCKED
  )
  UPDATE "EmailRequest" r SET "dueAt" = $2::timestamptz, failures = r.failures + 1 FROM due
  WHERE r."scopeId" = due."scopeId" AND r.kind = due.kind AND r.name = due.name AND r."isOwn" = due."isOwn"
  RETURNING r."scopeId"::text AS "scopeId", r.kind::text AS kind, r.name, r."isOwn", r."dueAt", r.failures AS attempts`,
);

const FINISH = nameStatement(
  "rested_finish_email_request",
  `UPDATE "EmailRequest" SET "dueAt" = NULL, "triesLeft" = $6::int
  WHERE "scopeId" = $1::uuid AND kind = $2::"UserEmailKind" AND name = $3 AND "isOwn" = $4 AND "dueAt" = $5::timestamptz`,
);

const COUNT_TRY = nameStatement(
  "rested_count_code_try",
  `UPDATE "EmailRequest" SET "triesLeft" = "triesLeft" - 1
  WHERE "scopeId" = $1::uuid AND kind = $2::"UserEmailKind" AND name = $3 AND NOT "isOwn" AND "triesLeft" > 0`,
);

type Requests = Pick<UserEmailStore, "request" | "claim" | "finish" | "countTry">;

export function createEmailRequests({ db, background }: { db: RawStatements; background: RawStatements }): Requests {
  return {
    async request({ scopeId, kind, name }, { now, limit, windowMs }) {
      const start = new Date(now.getTime() - windowMs).toISOString();
      if ((await db.$executeRawUnsafe(REQUEST, scopeId, kind, name, false, now.toISOString(), start, limit)) > 0) return undefined;
      const [row] = await db.$queryRawUnsafe<{ startedAt: Date }[]>(STARTED_AT, scopeId, kind, name);
      const leftMs = (row?.startedAt.getTime() ?? now.getTime()) + windowMs - now.getTime();
      return { retryAfterSeconds: Math.max(1, Math.ceil(leftMs / 1000)) };
    },
    async claim({ now, leaseMs, max, maxOfAccount }) {
      const until = new Date(now.getTime() + leaseMs).toISOString();
      return background.$queryRawUnsafe<ClaimedEmailRequest[]>(CLAIM, now.toISOString(), until, max, maxOfAccount);
    },
    finish: async (request, tries) => void (await finishRequest(background, request, tries)),
    countTry: async ({ scopeId, kind, name }) => (await db.$executeRawUnsafe(COUNT_TRY, scopeId, kind, name)) > 0,
  };
}

/** Ends a claim. Returns 0 if the request was made or claimed again. */
export async function finishRequest(
  client: RawStatements,
  { scopeId, kind, name, isOwn, dueAt }: ClaimedEmailRequest,
  tries: number,
): Promise<number> {
  return client.$executeRawUnsafe(FINISH, scopeId, kind, name, isOwn, dueAt.toISOString(), tries);
}

/** Requests an e-mail that verifies a user's new address, in the transaction that stores the address. Does nothing if it had too many. */
export async function askForVerification(tx: RawStatements, endpointId: string, name: string, now: Date): Promise<void> {
  const start = new Date(now.getTime() - OWN_WINDOW_MS).toISOString();
  await tx.$executeRawUnsafe(REQUEST, endpointId, "verify", name, true, now.toISOString(), start, OWN_MAX);
}
