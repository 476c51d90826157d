/** Stores the tokens that users receive by e-mail, and what their use changes (L9–L11). */
import {
  DASHBOARD_SCOPE,
  type EmailRecipient,
  type EmailTokenUse,
  type EmailTokenUseResult,
  type FoundEmailToken,
  type UserEmailStore,
} from "@/src/core/users/email-ports";
import type { StoredUser } from "@/src/core/users/ports";
import type { Db, DbTransaction } from "@/src/db/client";
import type { RawStatements } from "@/src/db/raw-statements";
import type { EndpointQueue } from "@/src/db/records/endpoint-queue";
import { nameStatement } from "@/src/db/statement";
import { createEmailRequests, finishRequest } from "@/src/db/stores/email-requests";
import { commitOne, insertToken, revokeAllTokens } from "@/src/db/stores/users";
import { type EmailContent, toUserEmailSettings } from "@/src/shared/management/user-emails";

const FIND_RECIPIENT = nameStatement(
  "rested_find_email_recipient",
  `SELECT wire_id(u.id) AS id, u.name, u."verifiedName", r.data::text AS data, p.id::text AS "projectId", p."ownerId"::text AS "ownerId", p.name AS "projectName",
    p."allowedOrigins", e."userEmails"::text AS settings, t.subject, t.text, t.html
  FROM "AppUser" u JOIN "Record" r ON r.id = u.id JOIN "Endpoint" e ON e.id = u."endpointId" JOIN "Project" p ON p.id = e."projectId"
  LEFT JOIN "UserEmailTemplate" t ON t."endpointId" = e.id AND t.kind = $2::"UserEmailKind"
  WHERE u."endpointId" = $1::uuid AND u.name = $3`,
);

const FIND_ACCOUNT = nameStatement(
  "rested_find_email_account",
  `SELECT id::text AS id, email AS address FROM "User" WHERE email = $1 AND "passwordHash" IS NOT NULL`,
);

/** The row is locked before its tokens, as by a change of the name, whose trigger deletes tokens. */
const LOCK_USER = nameStatement(
  "rested_lock_email_user",
  `SELECT 1 AS found FROM "AppUser" WHERE id = $1::uuid AND name = $2 FOR NO KEY UPDATE`,
);
const LOCK_ACCOUNT = nameStatement(
  "rested_lock_email_account",
  `SELECT 1 AS found FROM "User" WHERE id = $1::uuid AND email = $2 AND "passwordHash" IS NOT NULL FOR NO KEY UPDATE`,
);

const toUpsert = (owner: "appUserId" | "accountId") =>
  `INSERT INTO "EmailToken" (hash, kind, "${owner}", name, "expiresAt") VALUES ($1, $2::"UserEmailKind", $3::uuid, $4, $5::timestamptz)
  ON CONFLICT ("${owner}", kind) DO UPDATE SET hash = excluded.hash, name = excluded.name, "createdAt" = now(), "expiresAt" = excluded."expiresAt"`;
const STORE_OF_USER = nameStatement("rested_store_user_email_token", toUpsert("appUserId"));
const STORE_OF_ACCOUNT = nameStatement("rested_store_account_email_token", toUpsert("accountId"));

const FOUND = `SELECT wire_id(r.id) AS id, r.version, r.data::text AS data, wire_time(r."createdAt") AS "createdAt",
    wire_time(r."updatedAt") AS "updatedAt", u.name, u."passwordHash", u."verifiedName", encode(t.hash, 'hex') AS "tokenHash"
  FROM "EmailToken" t JOIN "AppUser" u ON u.id = t."appUserId" AND u.name = t.name JOIN "Record" r ON r.id = u.id
  JOIN "Endpoint" e ON e.id = u."endpointId" AND e."projectId" IS NOT NULL`;
const FIND_TOKEN = nameStatement(
  "rested_find_user_email_token",
  `${FOUND} WHERE t.hash = $1 AND t.kind = $2::"UserEmailKind" AND u."endpointId" = $3::uuid AND t."expiresAt" > $4::timestamptz`,
);
const FIND_CODE = nameStatement(
  "rested_find_user_email_code",
  `${FOUND} WHERE u."endpointId" = $1::uuid AND u.name = $2 AND t.kind = 'code' AND t."expiresAt" > $3::timestamptz`,
);

const DELETE_TOKEN = nameStatement(
  "rested_use_email_token",
  `DELETE FROM "EmailToken" WHERE hash = $1 AND kind = $2::"UserEmailKind" AND "appUserId" = $3::uuid AND name = $4 AND "expiresAt" > $5::timestamptz`,
);

const CHANGE_USER = nameStatement(
  "rested_change_verified_user",
  `UPDATE "AppUser" SET "verifiedName" = name, "passwordHash" = coalesce($2, "passwordHash"), "updatedAt" = clock_timestamp()
  WHERE id = $1::uuid AND ("verifiedName" IS DISTINCT FROM name OR $2::text IS NOT NULL)`,
);

const SWEEP_TOKENS = nameStatement(
  "rested_sweep_email_tokens",
  `DELETE FROM "EmailToken" WHERE hash IN (
    SELECT hash FROM "EmailToken" WHERE "expiresAt" < $1::timestamptz ORDER BY "expiresAt" LIMIT $2::int FOR UPDATE SKIP LOCKED)`,
);
const SWEEP_REQUESTS = nameStatement(
  "rested_sweep_email_requests",
  `DELETE FROM "EmailRequest" WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM "EmailRequest" WHERE "startedAt" < $1::timestamptz AND "dueAt" IS NULL LIMIT $2::int FOR UPDATE SKIP LOCKED))`,
);

interface RecipientRow extends Pick<StoredUser, "name" | "verifiedName"> {
  id: string;
  data: string;
  projectId: string;
  ownerId: string;
  projectName: string;
  allowedOrigins: string[];
  settings: string | null;
  subject: string | null;
  text: string | null;
  html: string | null;
}

type FoundRow = StoredUser["record"] & Omit<StoredUser, "record"> & { tokenHash: string };

/** `endpointId`s have the dashes of a UUID. */
export function createUserEmailStore({
  db,
  queue,
  reads = db,
  background = db,
}: {
  db: Db;
  queue: EndpointQueue;
  /** Default: `db`. */
  reads?: RawStatements;
  /** For what may be delayed. Default: `db`. */
  background?: RawStatements;
}): UserEmailStore {
  return {
    ...createEmailRequests({ db, background }),
    async findRecipient({ scopeId, kind, name }) {
      if (scopeId === DASHBOARD_SCOPE) {
        const [account] = await background.$queryRawUnsafe<{ id: string; address: string }[]>(FIND_ACCOUNT, name);
        return account && { ...account, data: undefined, isVerified: false };
      }
      const [row] = await background.$queryRawUnsafe<RecipientRow[]>(FIND_RECIPIENT, scopeId, kind, name);
      return row && toRecipient(row);
    },
    async serve(request, { recipientId, hash, expiresAt, tries }, enqueue) {
      const { scopeId, kind, name } = request;
      const [lock, store] = scopeId === DASHBOARD_SCOPE ? [LOCK_ACCOUNT, STORE_OF_ACCOUNT] : [LOCK_USER, STORE_OF_USER];
      await queue.run(recipientId, () =>
        db.$transaction(async (tx) => {
          const locked = await tx.$queryRawUnsafe<unknown[]>(lock, recipientId, name);
          if ((await finishRequest(tx, request, tries)) === 0 || locked.length === 0) return;
          await tx.$executeRawUnsafe(store, hash, kind, recipientId, name, expiresAt.toISOString());
          await enqueue(tx);
        }),
      );
    },
    async findToken({ endpointId, kind, hash, now }) {
      const [row] = await reads.$queryRawUnsafe<FoundRow[]>(FIND_TOKEN, hash, kind, endpointId, now.toISOString());
      return row && toFound(row);
    },
    async findCode({ endpointId, name, now }) {
      const [row] = await reads.$queryRawUnsafe<FoundRow[]>(FIND_CODE, endpointId, name, now.toISOString());
      return row && toFound(row);
    },
    async use(use) {
      const rowId = use.data === undefined ? use.user.record.id : use.endpointId;
      try {
        return await queue.run(rowId, () => db.$transaction((tx) => useToken(tx, use)), Buffer.byteLength(use.data ?? ""));
      } catch (error) {
        if (error instanceof Undone) return { outcome: error.outcome };
        throw error;
      }
    },
    async sweep(before, limit) {
      const values = [before.toISOString(), limit];
      const tokens = await background.$executeRawUnsafe(SWEEP_TOKENS, ...values);
      return Math.max(tokens, await background.$executeRawUnsafe(SWEEP_REQUESTS, ...values));
    },
  };
}

/** Rolls the transaction back. The outcome becomes its result. */
class Undone extends Error {
  readonly outcome: "token_used" | "version_conflict";

  constructor(outcome: Undone["outcome"]) {
    super(outcome);
    this.outcome = outcome;
  }
}

/** Locks the endpoint, the user and the token in this order, as every change of a user does. */
async function useToken(tx: DbTransaction, use: EmailTokenUse): Promise<EmailTokenUseResult> {
  const { endpointId, kind, hash, user, data, passwordHash, login, now } = use;
  const { id, version } = user.record;
  let changed: FoundEmailToken["user"]["record"] | undefined;
  if (data !== undefined) {
    const result = await commitOne(tx, endpointId, { type: "PUT", id, contentType: "json", data, expectedVersion: version });
    // A deleted user has no tokens.
    if (result.outcome !== "ok") throw new Undone(result.outcome === "version_conflict" ? "version_conflict" : "token_used");
    changed = result.change.record;
  }
  if ((await tx.$queryRawUnsafe<unknown[]>(LOCK_USER, id, user.name)).length === 0) throw new Undone("token_used");
  const used = await tx.$executeRawUnsafe(DELETE_TOKEN, hash, kind, id, user.name, now.toISOString());
  if (used === 0) throw new Undone("token_used");
  await tx.$executeRawUnsafe(CHANGE_USER, id, passwordHash ?? null);
  const revoked = passwordHash === undefined ? 0 : await revokeAllTokens(tx, id, now);
  const issued = login && (await insertToken(tx, id, login, now));
  return { outcome: "ok", record: changed, endedOthers: revoked > 0 || issued?.endedOthers === true };
}

function toRecipient({
  id,
  name,
  verifiedName,
  data,
  projectId,
  ownerId,
  projectName,
  allowedOrigins,
  settings,
  ...row
}: RecipientRow): EmailRecipient {
  const { subject, text, html } = row;
  const template: EmailContent | null = subject === null || text === null ? null : { subject, text, html };
  const parsed = settings === null ? null : (toUserEmailSettings(JSON.parse(settings)) ?? null);
  return {
    ...{ id, data, address: name, isVerified: verifiedName === name },
    endpoint: { projectId, ownerId, projectName, allowedOrigins, settings: parsed, template },
  };
}

function toFound({ tokenHash, name, passwordHash, verifiedName, ...record }: FoundRow): FoundEmailToken {
  return { user: { record, name, passwordHash, verifiedName }, hash: Buffer.from(tokenHash, "hex") };
}
