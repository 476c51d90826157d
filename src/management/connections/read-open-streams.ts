/** Reads the open streams of all servers, with the names of what they depend on (G16). It must not ask whose the project is. */
import type { Db } from "@/src/db/client";
import { SERVER_SEEN_SECONDS } from "@/src/shared/streams/protocol";

export interface OpenStreamRow {
  id: string;
  endpointId: string;
  endpointName: string;
  transport: "ws" | "sse";
  /** Null: opened by a ticket, or the key is gone. */
  keyName: string | null;
  origin: string | null;
  /** Null: none was needed. */
  userName: string | null;
  /** 32 hex digits; null: it hears of everybody's records. */
  onlyOwner: string | null;
  /** JSONata; null: none. */
  filter: string | null;
  byTicket: boolean;
  isResumable: boolean;
  openedAt: Date;
  openedSeq: bigint;
  /** Null: it is live. */
  replayedTo: bigint | null;
  /** How many changes it has still to be sent of the log. */
  lag: bigint;
  queueBytes: number;
  /** How many there are, beyond the limit too. */
  total: bigint;
}

/** Newest first. */
export function readOpenStreams({
  db,
  projectId,
  endpointId,
  limit,
}: {
  db: Pick<Db, "$queryRaw">;
  projectId: string;
  /** Null: of all endpoints. */
  endpointId: string | null;
  limit: number;
}): Promise<OpenStreamRow[]> {
  return db.$queryRaw<OpenStreamRow[]>`
    SELECT s."id", s."endpointId", e."name" AS "endpointName", s."transport", k."name" AS "keyName", s."origin", u."name" AS "userName",
      replace(s."onlyOwner"::text, '-', '') AS "onlyOwner", s."filter", s."keyId" IS NULL AS "byTicket", s."isResumable", s."openedAt", s."openedSeq", s."replayedTo",
      CASE WHEN s."replayedTo" IS NULL THEN 0 ELSE greatest(e."seq" - s."replayedTo", 0) END AS "lag", s."queueBytes", count(*) OVER () AS "total"
    FROM "OpenStream" s
      JOIN "ServerNode" n ON n."id" = s."nodeId" AND n."seenAt" > clock_timestamp() - make_interval(secs => ${SERVER_SEEN_SECONDS}::int)
      JOIN "Endpoint" e ON e."id" = s."endpointId"
      LEFT JOIN "ApiKey" k ON k."id" = s."keyId"
      LEFT JOIN "AppUser" u ON u."id" = s."userId"
    WHERE e."projectId" = ${projectId}::uuid AND (${endpointId}::uuid IS NULL OR s."endpointId" = ${endpointId}::uuid)
    ORDER BY s."openedAt" DESC, s."id" LIMIT ${limit}::int`;
}
