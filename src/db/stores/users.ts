/** Stores the users of applications: their records by record commit, and their credentials and tokens with them. */
import type { StoredRecord, WriteResult } from "@/src/core/records/ports";
import { createUniqueId } from "@/src/core/records/unique-id";
import type { NewAccessToken, StoredUser, UserChange, UserStore, UserWriteResult } from "@/src/core/users/ports";
import type { Db, DbTransaction } from "@/src/db/client";
import type { RawStatements } from "@/src/db/raw-statements";
import type { EndpointQueue } from "@/src/db/records/endpoint-queue";
import { nameStatement } from "@/src/db/statement";
import { askForVerification } from "@/src/db/stores/email-requests";

const FIND_COLUMNS = `wire_id(r.id) AS id, r.version, r.data::text AS data, wire_time(r."createdAt") AS "createdAt",
  wire_time(r."updatedAt") AS "updatedAt", u.name, u."passwordHash", u."verifiedName" FROM "AppUser" u JOIN "Record" r ON r.id = u.id
  JOIN "Endpoint" e ON e.id = u."endpointId" AND e."projectId" IS NOT NULL`;

const FIND = nameStatement("rested_find_user", `SELECT ${FIND_COLUMNS} WHERE u."endpointId" = $1::uuid AND u.id = $2::uuid`);

const FIND_BY_NAME = nameStatement("rested_find_user_by_name", `SELECT ${FIND_COLUMNS} WHERE u."endpointId" = $1::uuid AND u.name = $2`);

const INSERT = nameStatement(
  "rested_insert_user",
  `INSERT INTO "AppUser" (id, "endpointId", name, "passwordHash", "verifiedName", "updatedAt") VALUES ($2::uuid, $1::uuid, $3, $4, $5, clock_timestamp())
  ON CONFLICT ("endpointId", name) DO NOTHING`,
);

const IS_TAKEN = nameStatement(
  "rested_is_name_taken",
  `SELECT 1 AS found FROM "AppUser" WHERE "endpointId" = $1::uuid AND name = $3 AND id <> $2::uuid`,
);

const CHANGE = nameStatement(
  "rested_change_user",
  `UPDATE "AppUser" SET name = coalesce($2, name), "passwordHash" = coalesce($3, "passwordHash"),
    "verifiedName" = CASE WHEN $5::boolean THEN $6 ELSE "verifiedName" END, "updatedAt" = clock_timestamp()
  WHERE id = $1::uuid AND ($4::text IS NULL OR "passwordHash" = $4)`,
);

const SET_PASSWORD = nameStatement(
  "rested_set_user_password",
  `UPDATE "AppUser" SET "passwordHash" = $3, "updatedAt" = clock_timestamp() WHERE "endpointId" = $1::uuid AND id = $2::uuid`,
);

const REVOKE_OTHERS = nameStatement(
  "rested_revoke_tokens",
  `UPDATE "AccessToken" SET "revokedAt" = $2::timestamptz WHERE "userId" = $1::uuid AND "revokedAt" IS NULL AND ($3::uuid IS NULL OR id <> $3::uuid)`,
);

const REVOKE = nameStatement(
  "rested_revoke_token",
  `UPDATE "AccessToken" SET "revokedAt" = $2::timestamptz WHERE id = $1::uuid AND "revokedAt" IS NULL`,
);

/** Logins and password changes lock each other out here, so that no token of the old password remains valid. */
const LOCK = nameStatement(
  "rested_lock_user",
  `SELECT 1 AS found FROM "AppUser" WHERE id = $1::uuid AND "passwordHash" = $2 FOR NO KEY UPDATE`,
);

const INSERT_TOKEN = nameStatement(
  "rested_insert_token",
  `INSERT INTO "AccessToken" (id, "userId", "projectId", hash, "userAgent", address, "createdAt", "expiresAt")
  VALUES ($8::uuid, $1::uuid, $2::uuid, $3, $4, $5, $6::timestamptz, $7::timestamptz)`,
);

const REVOKE_OLDEST = nameStatement(
  "rested_revoke_oldest_tokens",
  `UPDATE "AccessToken" SET "revokedAt" = $2::timestamptz WHERE id IN (
    SELECT id FROM "AccessToken" WHERE "userId" = $1::uuid AND "revokedAt" IS NULL AND "expiresAt" > $2::timestamptz
    ORDER BY "createdAt" DESC, id DESC OFFSET $3::int)`,
);

const DELETE_EXPIRED = nameStatement(
  "rested_delete_expired_tokens",
  `DELETE FROM "AccessToken" WHERE id IN (
    SELECT id FROM "AccessToken" WHERE "expiresAt" < $1::timestamptz ORDER BY "expiresAt" LIMIT $2::int FOR UPDATE SKIP LOCKED)`,
);

type Row = StoredRecord & Omit<StoredUser, "record">;

/** The users of a database. `endpointId`s have the dashes of a UUID. */
export function createUserStore({
  db,
  queue,
  reads = db,
  background = db,
}: {
  db: Db;
  queue: EndpointQueue;
  /** Default: `db`. */
  reads?: RawStatements;
  /** For sweeps. Default: `db`. */
  background?: RawStatements;
}): UserStore {
  /** Runs a transaction that locks the row of an endpoint, or of a user only. */
  const transact = <Result>(rowId: string, work: (tx: DbTransaction) => Promise<Result>, bytes = 0) =>
    queue.run(rowId, () => db.$transaction(work), bytes);
  return {
    register: ({ endpointId, id, data, name, passwordHash, verifiedName = null, asksForVerificationAt }) =>
      catchRefusal(() =>
        transact(
          endpointId,
          async (tx) => {
            const result = await commitOne(tx, endpointId, { type: "POST", id, contentType: "json", data, owner: id });
            if (result.outcome !== "ok") return result;
            const inserted = await tx.$executeRawUnsafe(INSERT, endpointId, id, name, passwordHash, verifiedName);
            if (inserted === 0) throw new Refused("username_taken");
            if (asksForVerificationAt) await askForVerification(tx, endpointId, name, asksForVerificationAt);
            return result;
          },
          Buffer.byteLength(data),
        ),
      ),
    async find(endpointId, id) {
      const [row] = await reads.$queryRawUnsafe<Row[]>(FIND, endpointId, id);
      return row && toUser(row);
    },
    async findByName(endpointId, name) {
      const [row] = await reads.$queryRawUnsafe<Row[]>(FIND_BY_NAME, endpointId, name);
      return row && toUser(row);
    },
    change: (change) => catchRefusal(() => transact(change.endpointId, (tx) => changeUser(tx, change), Buffer.byteLength(change.data))),
    setPassword: ({ endpointId, id, hash, now }) =>
      transact(id, async (tx) => {
        if ((await tx.$executeRawUnsafe(SET_PASSWORD, endpointId, id, hash)) === 0) return false;
        await tx.$executeRawUnsafe(REVOKE_OTHERS, id, now.toISOString(), null);
        return true;
      }),
    createToken: ({ userId, provenHash, now, ...token }) =>
      transact(userId, async (tx) => {
        const locked = await tx.$queryRawUnsafe<unknown[]>(LOCK, userId, provenHash);
        return locked.length > 0 && insertToken(tx, userId, token, now);
      }),
    async revokeToken(tokenId, now) {
      await db.$executeRawUnsafe(REVOKE, tokenId, now.toISOString());
    },
    deleteExpiredTokens: async (before, limit) => background.$executeRawUnsafe(DELETE_EXPIRED, before.toISOString(), limit),
  };
}

/** Rolls the transaction back. The outcome becomes its result. */
class Refused extends Error {
  readonly outcome: "username_taken" | "password_changed";

  constructor(outcome: Refused["outcome"]) {
    super(outcome);
    this.outcome = outcome;
  }
}

async function catchRefusal(work: () => Promise<WriteResult>): Promise<UserWriteResult> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refused) return { outcome: error.outcome };
    throw error;
  }
}

async function changeUser(tx: DbTransaction, change: UserChange): Promise<WriteResult> {
  const { endpointId, id, data, expectedVersion, name, password, provenHash, verifiedName, asksForVerification, now } = change;
  const result = await commitOne(tx, endpointId, { type: "PUT", id, contentType: "json", data, expectedVersion });
  const hasCredentials = [name, password, provenHash, verifiedName].some((part) => part !== undefined);
  if (result.outcome !== "ok" || !hasCredentials) return result;
  // The record commit has locked the endpoint. Names change only under this lock, so a free name stays free until the commit.
  const taken = name === undefined ? [] : await tx.$queryRawUnsafe<unknown[]>(IS_TAKEN, endpointId, id, name);
  if (taken.length > 0) throw new Refused("username_taken");
  const verified = [verifiedName !== undefined, verifiedName ?? null];
  const changed = await tx.$executeRawUnsafe(CHANGE, id, name ?? null, password?.hash ?? null, provenHash ?? null, ...verified);
  if (changed === 0) throw new Refused("password_changed");
  if (password) await tx.$executeRawUnsafe(REVOKE_OTHERS, id, now.toISOString(), password.keepTokenId ?? null);
  if (asksForVerification && name !== undefined) await askForVerification(tx, endpointId, name, now);
  return result;
}

/** Stores an access token of a user whose row is locked. */
export async function insertToken(tx: DbTransaction, userId: string, token: NewAccessToken, now: Date): Promise<{ endedOthers: boolean }> {
  const { projectId, hash, userAgent, address, expiresAt, liveMax } = token;
  const times = [now.toISOString(), expiresAt.toISOString()];
  await tx.$executeRawUnsafe(INSERT_TOKEN, userId, projectId, hash, userAgent, address, ...times, createUniqueId());
  const ended = await tx.$executeRawUnsafe(REVOKE_OLDEST, userId, now.toISOString(), liveMax);
  return { endedOthers: ended > 0 };
}

/** Ends the access tokens of a user, whose password was replaced. */
export async function revokeAllTokens(tx: DbTransaction, userId: string, now: Date): Promise<number> {
  return tx.$executeRawUnsafe(REVOKE_OTHERS, userId, now.toISOString(), null);
}

export async function commitOne(
  tx: DbTransaction,
  endpointId: string,
  write: Parameters<DbTransaction["record"]["commit"]>[1][number],
): Promise<WriteResult> {
  const [result] = await tx.record.commit(endpointId, [write]);
  if (!result) throw new Error(`record_commit returned no row for a user at endpoint ${endpointId}`);
  return result;
}

function toUser({ name, passwordHash, verifiedName, ...record }: Row): StoredUser {
  return { record, name, passwordHash, verifiedName };
}
