/** Reads the end positions of logs, and which changes they contain at given positions (W26). */

import { toProof } from "@/src/core/streams/change-proof";
import type { FoundPosition, LogPlace, LogPosition } from "@/src/core/streams/ports";
import type { RawStatements } from "@/src/db/raw-statements";
import { nameStatement } from "@/src/db/statement";

/** The change at a seq, or its identity if it has expired. The second part is only evaluated if the first finds nothing. */
const changeAt = (seq: string) => `(SELECT c."recordId", c.at FROM "Change" c WHERE c."endpointId" = e.id AND c.seq = ${seq}
    UNION ALL SELECT x."recordId", x.at FROM "ExpiredChange" x WHERE x."endpointId" = e.id AND x.seq = ${seq} LIMIT 1)`;

/** `$2`: a seq in the log of the endpoint at the same index of `$1`, or null. A single statement, so all results are from one moment. */
const POSITIONS = nameStatement(
  "rested_log_positions",
  `SELECT e.id::text AS id, wire_id(e.epoch) AS epoch, e.seq::text AS seq, wire_id(tip."recordId") AS "recordId", wire_time(tip.at) AS at,
    requested.seq::text AS place, wire_id(other."recordId") AS "placeRecordId", wire_time(other.at) AS "placeAt"
  FROM unnest($1::uuid[], $2::bigint[]) AS requested(id, seq)
  JOIN "Endpoint" e ON e.id = requested.id AND e."projectId" IS NOT NULL
  LEFT JOIN LATERAL ${changeAt("e.seq")} AS tip ON true
  LEFT JOIN LATERAL (SELECT * FROM ${changeAt("requested.seq")} AS at_place WHERE requested.seq <> e.seq) AS other ON true`,
);

interface PositionRow {
  id: string;
  epoch: string;
  seq: string;
  /** The record of the change at `seq`. Null if it is unknown. */
  recordId: string | null;
  at: string | null;
  /** The requested seq, and its change if that is not the last one. */
  place: string | null;
  placeRecordId: string | null;
  placeAt: string | null;
}

/** Reads any number of logs in one query; see {@link ChangeLog.positions}. */
export async function readPositions(
  db: Pick<RawStatements, "$queryRawUnsafe">,
  endpointIds: readonly string[],
  places: readonly LogPlace[] = [],
): Promise<Map<string, FoundPosition>> {
  if (endpointIds.length + places.length === 0) return new Map();
  return toPositions(await db.$queryRawUnsafe<PositionRow[]>(POSITIONS, ...toParameters(endpointIds, places)));
}

/** The parameters of {@link POSITIONS}. */
function toParameters(endpointIds: readonly string[], places: readonly LogPlace[]): [ids: string[], seqs: (string | null)[]] {
  const named = new Set(places.map(({ endpointId }) => endpointId));
  const others = endpointIds.filter((id) => !named.has(id));
  return [
    [...places.map(({ endpointId }) => endpointId), ...others],
    [...places.map(({ seq }) => String(seq)), ...others.map(() => null)],
  ];
}

/** By endpoint. Several rows of one endpoint differ in the requested seq. */
function toPositions(rows: readonly PositionRow[]): Map<string, FoundPosition> {
  const positions = new Map<string, LogPosition & { proofs: Map<number, string> }>();
  for (const { id, epoch, seq, recordId, at, place, placeRecordId, placeAt } of rows) {
    const proof = toKnownProof(recordId, Number(seq), at);
    const position = positions.get(id) ?? { epoch, seq: Number(seq), proof, proofs: new Map<number, string>() };
    positions.set(id, position);
    if (place === null) continue;
    const proofThere = place === seq ? proof : toKnownProof(placeRecordId, Number(place), placeAt);
    if (proofThere !== undefined) position.proofs.set(Number(place), proofThere);
  }
  return positions;
}

function toKnownProof(recordId: string | null, seq: number, at: string | null): string | undefined {
  return recordId === null || at === null ? undefined : toProof({ recordId, seq, at });
}
