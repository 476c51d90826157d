/** Lists the open streams of a project, and ends single ones. */

import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { Connections, ConnectionView } from "@/src/shared/management/schemas";
import { CONNECTIONS_LIMIT_MAX } from "@/src/shared/management/schemas";
import { SERVER_SEEN_SECONDS } from "@/src/shared/streams/protocol";
import { requireOwnProject } from "../ownership";

const LIMIT_DEFAULT = 100;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Throws `parameter_invalid`, with a problem for each wrong parameter. */
export function parseConnectionsQuery(parameters: URLSearchParams): { endpointId: string | null; keyId: string | null; limit: number } {
  const problems: Record<string, string> = {};
  const endpointId = parameters.get("endpointId");
  if (endpointId !== null && !UUID.test(endpointId)) problems.endpointId = "Use the id of an endpoint.";
  const keyId = parameters.get("keyId");
  if (keyId !== null && !UUID.test(keyId)) problems.keyId = "Use the id of a key.";
  const sent = parameters.get("limit");
  const limit = sent === null ? LIMIT_DEFAULT : /^\d{1,9}$/.test(sent) ? Number(sent) : 0;
  if (limit < 1 || limit > CONNECTIONS_LIMIT_MAX) problems.limit = `Use a whole number from 1 to ${CONNECTIONS_LIMIT_MAX}.`;
  if (Object.keys(problems).length > 0) throw new AppError("parameter_invalid", { fields: problems });
  return { endpointId, keyId, limit };
}

export interface OpenStreamRow {
  id: string;
  endpointId: string;
  endpointName: string;
  transport: "ws" | "sse";
  /** Null: opened by a ticket, or the key was deleted. */
  keyName: string | null;
  origin: string | null;
  /** Null: no access token was needed. */
  userName: string | null;
  /** 32 hex digits. */
  userId: string | null;
  /** The authentication endpoint of the user. Null: there is no user, or it was deleted. */
  userEndpointId: string | null;
  keyId: string | null;
  keyScope: "read" | "write" | "read_write" | null;
  /** 32 hex digits. The stream receives only this user's records. Null: everybody's. */
  onlyOwner: string | null;
  /** A JSONata expression. Null: the stream has no filter. */
  filter: string | null;
  byTicket: boolean;
  isResumable: boolean;
  /** Access rules or an access function decide what it receives. */
  isJudged: boolean;
  openedAt: Date;
  openedSeq: bigint;
  /** Null: the stream is live. */
  replayedTo: bigint | null;
  /** The number of changes that the replay still has to send. */
  lag: bigint;
  queueBytes: number;
  /** The total, including those beyond the limit. */
  total: bigint;
}

/** Returns open streams, newest first. */
export function readOpenStreams({
  db,
  projectId,
  endpointId,
  keyId = null,
  limit,
}: {
  db: Pick<Db, "$queryRaw">;
  projectId: string;
  /** Null: all endpoints. */
  endpointId: string | null;
  /** Null: all keys, and streams without one. */
  keyId?: string | null;
  limit: number;
}): Promise<OpenStreamRow[]> {
  return db.$queryRaw<OpenStreamRow[]>`
    SELECT s."id", s."endpointId", e."name" AS "endpointName", s."transport", k."name" AS "keyName", s."origin", u."name" AS "userName",
      replace(s."onlyOwner"::text, '-', '') AS "onlyOwner", s."filter", s."keyId" IS NULL AS "byTicket", s."isResumable", s."isJudged",
      k."id" AS "keyId", k."scope"::text AS "keyScope", replace(s."userId"::text, '-', '') AS "userId", u."endpointId" AS "userEndpointId", s."openedAt", s."openedSeq", s."replayedTo",
      CASE WHEN s."replayedTo" IS NULL THEN 0 ELSE greatest(e."seq" - s."replayedTo", 0) END AS "lag", s."queueBytes", count(*) OVER () AS "total"
    FROM "OpenStream" s
      JOIN "ServerNode" n ON n."id" = s."nodeId" AND n."seenAt" > clock_timestamp() - make_interval(secs => ${SERVER_SEEN_SECONDS}::int)
      JOIN "Endpoint" e ON e."id" = s."endpointId"
      LEFT JOIN "ApiKey" k ON k."id" = s."keyId"
      LEFT JOIN "AppUser" u ON u."id" = s."userId"
    WHERE e."projectId" = ${projectId}::uuid AND (${endpointId}::uuid IS NULL OR s."endpointId" = ${endpointId}::uuid)
      AND (${keyId}::uuid IS NULL OR s."keyId" = ${keyId}::uuid)
    ORDER BY s."openedAt" DESC, s."id" LIMIT ${limit}::int`;
}

/** Returns the open streams, newest first, as they were about a second ago. Throws `not_found`. */
export async function listConnections({
  db,
  ownerId,
  projectId,
  endpointId,
  keyId,
  limit,
}: {
  db: Pick<Db, "project" | "$queryRaw">;
  ownerId: string;
  projectId: string;
  endpointId: string | null;
  keyId: string | null;
  limit: number;
}): Promise<Connections> {
  await requireOwnProject({ db, ownerId, projectId });
  const rows = await readOpenStreams({ db, projectId, endpointId, keyId, limit });
  return { connections: rows.map(toConnectionView), total: Number(rows[0]?.total ?? 0) };
}

export function toConnectionView(row: OpenStreamRow): ConnectionView {
  return {
    id: row.id,
    endpointId: row.endpointId,
    endpoint: row.endpointName,
    transport: row.transport,
    dashboard: row.byTicket,
    keyId: row.keyId,
    key: row.keyName,
    origin: row.origin,
    user: row.userName,
    filter: row.filter,
    openedAt: row.openedAt.toISOString(),
    resumable: row.isResumable,
    state: row.replayedTo === null ? "live" : "replaying",
    lag: Number(row.lag),
    queueBytes: row.queueBytes,
  };
}

/** Ends a stream: immediately if it is on this server, within about a second on another one. The client can reconnect. Throws `not_found`. */
export async function endConnection({
  db,
  endHere,
  ownerId,
  connectionId,
}: {
  db: Pick<Db, "$executeRaw">;
  /** Ends a stream of this server. Returns false if the stream is on another one. */
  endHere: (id: string, error: AppError) => boolean;
  ownerId: string;
  connectionId: string;
}): Promise<void> {
  const count = await db.$executeRaw`
    UPDATE "OpenStream" s SET "endRequestedAt" = clock_timestamp()
    FROM "Endpoint" e JOIN "Project" p ON p."id" = e."projectId"
    WHERE s."id" = ${connectionId}::uuid AND e."id" = s."endpointId" AND p."ownerId" = ${ownerId}::uuid`;
  if (count === 0) throw new AppError("not_found");
  endHere(connectionId, new AppError("disconnected"));
}
