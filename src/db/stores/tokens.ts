/** Reads access tokens, which core/access/access-tokens.ts caches. */
import type { StoredToken, TokenStore } from "@/src/core/access/ports";
import type { RawStatements } from "@/src/db/raw-statements";
import { createReadBatcher, placeRows } from "@/src/db/reads/read-batcher";
import { nameStatement } from "@/src/db/statement";

const COLUMNS = `t.id::text AS id, wire_id(t."userId") AS "userId", t."projectId"::text AS "projectId", u."endpointId"::text AS "endpointId",
  t."expiresAt", t."revokedAt" FROM "AccessToken" t JOIN "AppUser" u ON u.id = t."userId" JOIN "Endpoint" e ON e.id = u."endpointId" AND e."projectId" IS NOT NULL`;

const FIND = nameStatement(
  "rested_find_token",
  `SELECT asked.n::int AS n, found.* FROM unnest($1::text[]) WITH ORDINALITY AS asked(hash, n)
  CROSS JOIN LATERAL (SELECT ${COLUMNS} WHERE t.hash = decode(asked.hash, 'hex') LIMIT 1) found`,
);

const FIND_BY_IDS = nameStatement("rested_find_tokens", `SELECT ${COLUMNS} WHERE t.id = ANY ($1::uuid[])`);

const REVISIONS = nameStatement(
  "rested_token_revisions",
  `SELECT id::text AS id, "tokenRevision"::text AS revision FROM "Project" WHERE id = ANY ($1::uuid[])`,
);

const TOUCH = nameStatement(
  "rested_touch_tokens",
  `UPDATE "AccessToken" t SET "lastUsedAt" = used.at FROM unnest($1::uuid[], $2::timestamptz[]) AS used(id, at)
  WHERE t.id = used.id AND (t."lastUsedAt" IS NULL OR t."lastUsedAt" < used.at)`,
);

/** The access tokens of a database. `background`: for writes that may be delayed; default: `db`. */
export function createTokenStore({ db, background = db }: { db: RawStatements; background?: RawStatements }): TokenStore {
  /** Many clients whose tokens are not cached yet come together, for example after a start. */
  const find = createReadBatcher<string, StoredToken>({
    readBatch: async (hashes) => placeRows<StoredToken>(await db.$queryRawUnsafe(FIND, hashes), hashes.length),
  });
  return {
    find(hash) {
      const hex = Buffer.from(hash).toString("hex");
      return find(hex, hex, hex);
    },
    async findByIds(ids) {
      return ids.length === 0 ? [] : db.$queryRawUnsafe<StoredToken[]>(FIND_BY_IDS, ids);
    },
    async revisions(projectIds) {
      if (projectIds.length === 0) return new Map();
      const rows = await db.$queryRawUnsafe<{ id: string; revision: string }[]>(REVISIONS, projectIds);
      return new Map(rows.map(({ id, revision }) => [id, Number(revision)]));
    },
    async touch(lastUsed) {
      if (lastUsed.size === 0) return;
      const times = [...lastUsed.values()].map((time) => time.toISOString());
      await background.$executeRawUnsafe(TOUCH, [...lastUsed.keys()], times);
    },
  };
}
