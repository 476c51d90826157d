/** Reads the keys, endpoints and projects that the data plane needs to decide about a request. */
import { createHash } from "node:crypto";
import type { Definition, DefinitionStore, SignIn } from "@/src/core/access/ports";
import type { Clock } from "@/src/core/clock";
import type { RawStatements } from "@/src/db/raw-statements";
import { createReadBatcher, placeRows } from "@/src/db/reads/read-batcher";
import { nameStatement } from "@/src/db/statement";
import { toUserEmailSettings } from "@/src/shared/management/user-emails";

const ENDPOINT_COLUMNS = `e.id::text AS "endpointId", e.name AS "endpointName", e.kind::text AS "endpointKind", e.secure,
  e."othersCanRead", e."othersCanUpdate", e."othersCanDelete", e."fileCacheSeconds", e.schema::text AS schema, e.rules::text AS rules,
  e."accessFunction", e."userEmails"::text AS "userEmails", p."rateLimit", p.id::text AS "projectId", p."ownerId"::text AS "ownerId", p.revision::text AS revision, p."allowedOrigins", p."allowNullOrigin", p."disallowNoOrigin", p."masterKeyHash",
  (SELECT json_agg(json_build_array(a.id, a.name)) FROM "Endpoint" a WHERE a."projectId" = p.id AND a.kind = 'authentication')::text AS "userEndpoints"`;

const FIND = nameStatement(
  "rested_find_definition",
  `SELECT asked.n::int AS n, found.* FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked(key, name, n)
  CROSS JOIN LATERAL (
    SELECT k.id::text AS "keyId", k.name AS "keyName", k.scope::text AS "keyScope", k."expiresAt" AS "keyExpiresAt",
      k."revokedAt" AS "keyRevokedAt", ${ENDPOINT_COLUMNS}
    FROM "ApiKey" k JOIN "Project" p ON p.id = k."projectId" JOIN "Endpoint" e ON e."projectId" = p.id AND e.name = asked.name
    WHERE k.key = asked.key LIMIT 1
  ) found`,
);

const FIND_ENDPOINT = nameStatement(
  "rested_find_endpoint",
  `SELECT ${ENDPOINT_COLUMNS} FROM "Endpoint" e JOIN "Project" p ON p.id = e."projectId" WHERE e.id = $1::uuid`,
);

const REDEEM = nameStatement(
  "rested_redeem_ticket",
  `WITH ticket AS (DELETE FROM "StreamTicket" WHERE hash = $1 AND "expiresAt" > $2::timestamptz
    RETURNING "endpointId", "userId", "sessionId", "managementTokenId")
  SELECT ${ENDPOINT_COLUMNS}, s.id::text AS "sessionId", t.id::text AS "managementTokenId"
  FROM ticket JOIN "Endpoint" e ON e.id = ticket."endpointId"
  JOIN "Project" p ON p.id = e."projectId" AND p."ownerId" = ticket."userId"
  LEFT JOIN "Session" s ON s.id = ticket."sessionId" AND s."revokedAt" IS NULL AND s."expiresAt" > $2::timestamptz
  LEFT JOIN "ManagementToken" t ON t.id = ticket."managementTokenId" AND t."revokedAt" IS NULL
    AND (t."expiresAt" IS NULL OR t."expiresAt" > $2::timestamptz)
  WHERE s.id IS NOT NULL OR t.id IS NOT NULL`,
);

const REVISIONS = nameStatement(
  "rested_revisions",
  `SELECT id::text AS id, revision::text AS revision FROM "Project" WHERE id = ANY ($1::uuid[])`,
);

const TOUCH_KEYS = nameStatement(
  "rested_touch_keys",
  `UPDATE "ApiKey" k SET "lastUsedAt" = used.at FROM unnest($1::uuid[], $2::timestamptz[]) AS used(id, at)
  WHERE k.id = used.id AND (k."lastUsedAt" IS NULL OR k."lastUsedAt" < used.at)`,
);

interface EndpointRow {
  endpointId: string;
  endpointName: string;
  endpointKind: Definition["endpoint"]["kind"];
  secure: boolean;
  othersCanRead: boolean;
  othersCanUpdate: boolean;
  othersCanDelete: boolean;
  fileCacheSeconds: number;
  schema: string | null;
  rules: string | null;
  accessFunction: string | null;
  userEmails: string | null;
  rateLimit: number | null;
  projectId: string;
  ownerId: string;
  revision: string;
  allowedOrigins: string[];
  allowNullOrigin: boolean;
  disallowNoOrigin: boolean;
  masterKeyHash: Uint8Array | null;
  /** JSON text of pairs of id and name. Null: there are none. */
  userEndpoints: string | null;
}

interface TicketRow extends EndpointRow {
  sessionId: string | null;
  managementTokenId: string | null;
}

interface DefinitionRow extends EndpointRow {
  keyId: string;
  keyName: string;
  keyScope: Definition["key"]["scope"];
  keyExpiresAt: Date | null;
  keyRevokedAt: Date | null;
}

/** The definitions of a database. `clock` decides whether a ticket has expired; it also set its expiry. */
export function createDefinitionStore({
  db,
  background = db,
  clock,
}: {
  db: RawStatements;
  /** For writes that may be delayed. Default: `db`. */
  background?: RawStatements;
  clock: Clock;
}): DefinitionStore {
  /** Many clients whose keys are not cached yet come together, for example after a start. */
  const find = createReadBatcher<{ key: string; endpointName: string }, DefinitionRow>({
    readBatch: async (asked) => {
      const keys = asked.map(({ key }) => key);
      const names = asked.map(({ endpointName }) => endpointName);
      return placeRows<DefinitionRow>(await db.$queryRawUnsafe(FIND, keys, names), asked.length);
    },
  });
  return {
    async find(key, endpointName) {
      // PostgreSQL rejects NUL in text, so no such key or name is stored.
      if (key.includes("\0") || endpointName.includes("\0")) return undefined;
      const row = await find(key, JSON.stringify([key, endpointName]), { key, endpointName });
      return row && toDefinition(row);
    },
    async findEndpoint(endpointId) {
      const [row] = await db.$queryRawUnsafe<EndpointRow[]>(FIND_ENDPOINT, endpointId);
      return row && toEndpointAndProject(row);
    },
    async redeemTicket(ticket) {
      const [row] = await db.$queryRawUnsafe<TicketRow[]>(REDEEM, createHash("sha256").update(ticket).digest(), clock.now());
      const signIn = row && toSignIn(row);
      return signIn && { ...toEndpointAndProject(row), signIn };
    },
    async revisions(projectIds) {
      if (projectIds.length === 0) return new Map();
      const rows = await db.$queryRawUnsafe<{ id: string; revision: string }[]>(REVISIONS, projectIds);
      return new Map(rows.map(({ id, revision }) => [id, Number(revision)]));
    },
    async touchKeys(lastUsed) {
      if (lastUsed.size === 0) return;
      const times = [...lastUsed.values()].map((time) => time.toISOString());
      await background.$executeRawUnsafe(TOUCH_KEYS, [...lastUsed.keys()], times);
    },
  };
}

function toDefinition(row: DefinitionRow): Definition {
  const { keyId: id, keyName: name, keyScope: scope, keyExpiresAt: expiresAt, keyRevokedAt: revokedAt } = row;
  return { key: { id, name, scope, expiresAt, revokedAt }, ...toEndpointAndProject(row) };
}

/** The query ensures that the ticket's account owns the project. */
function toSignIn({ sessionId, managementTokenId, ownerId }: TicketRow): SignIn | undefined {
  if (sessionId !== null) return { kind: "session", id: sessionId, userId: ownerId };
  return managementTokenId === null ? undefined : { kind: "token", id: managementTokenId, userId: ownerId };
}

function toEndpointAndProject(row: EndpointRow): Omit<Definition, "key"> {
  const { secure, othersCanRead, othersCanUpdate, othersCanDelete, fileCacheSeconds, schema, rules } = row;
  const { ownerId, rateLimit, allowedOrigins, allowNullOrigin, disallowNoOrigin, masterKeyHash } = row;
  return {
    endpoint: {
      ...{ id: row.endpointId, name: row.endpointName, kind: row.endpointKind, accessFunction: row.accessFunction },
      ...{ secure, othersCanRead, othersCanUpdate, othersCanDelete, fileCacheSeconds, schema, rules },
      ...(row.userEmails === null ? {} : { userEmails: toUserEmailSettings(JSON.parse(row.userEmails)) }),
    },
    project: {
      id: row.projectId,
      ownerId,
      revision: Number(row.revision),
      rateLimit,
      allowedOrigins,
      allowNullOrigin,
      disallowNoOrigin,
      masterKeyHash,
      userEndpoints: new Map<string, string>(JSON.parse(row.userEndpoints ?? "[]")),
    },
  };
}
