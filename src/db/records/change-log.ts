/** Reads the log of changes, which the database writes. */

import type { Change } from "@/src/core/records/ports";
import { toProof } from "@/src/core/streams/change-proof";
import type { ChangeLog, HiddenChange } from "@/src/core/streams/ports";
import type { RawStatements } from "@/src/db/raw-statements";
import { readPositions } from "@/src/db/records/log-positions";
import { nameStatement } from "@/src/db/statement";
import type { ChangeType } from "@/src/shared/streams/protocol";

const READ = nameStatement(
  "rested_read_changes",
  `SELECT seq::text AS seq, type::text AS type, wire_id("recordId") AS id, version, data::text AS data, wire_id("ownerId") AS owner, following,
    wire_time("recordCreatedAt") AS "createdAt", wire_time("recordUpdatedAt") AS "updatedAt", wire_time(at) AS at
  FROM "Change" WHERE "endpointId" = $1::uuid AND "Change".seq > $2::bigint ORDER BY "Change".seq LIMIT $3::int`,
);

/** The data of other users' records stays in the database. Their positions are returned, so pages are the same for every reader. */
const READ_FOR = nameStatement(
  "rested_read_changes_for",
  `SELECT seq::text AS seq, type::text AS type, wire_id("recordId") AS id, version,
    CASE WHEN "ownerId" = $4::uuid THEN data::text END AS data, wire_id("ownerId") AS owner, following,
    wire_time("recordCreatedAt") AS "createdAt", wire_time("recordUpdatedAt") AS "updatedAt", wire_time(at) AS at
  FROM "Change" WHERE "endpointId" = $1::uuid AND "Change".seq > $2::bigint ORDER BY "Change".seq LIMIT $3::int`,
);

/** The number of changes after a place that are searched. */
const SEARCHED_MAX = 5_000;

const FIND_CHANGED = nameStatement(
  "rested_find_changed",
  `SELECT coalesce(e.seq < asked.seq OR e.seq > asked.seq + ${SEARCHED_MAX}
      OR (e.seq > asked.seq AND NOT EXISTS (SELECT FROM "Change" c WHERE c."endpointId" = asked.endpoint AND c.seq = asked.seq + 1))
      OR EXISTS (SELECT FROM "Change" c WHERE c."endpointId" = asked.endpoint AND c.seq > asked.seq
        AND CASE WHEN asked.record IS NULL THEN c.type <> 'POST' ELSE c."recordId" = asked.record END), true) AS changed
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) WITH ORDINALITY AS asked(endpoint, record, seq, n)
  LEFT JOIN "Endpoint" e ON e.id = asked.endpoint ORDER BY asked.n`,
);

interface ChangeRow {
  seq: string;
  type: ChangeType;
  id: string;
  version: number;
  data: string;
  createdAt: string;
  updatedAt: string;
  owner: string | null;
  at: string;
  following: number | null;
}

/** The change log of a database. `endpointId`s have the dashes of a UUID, epochs have none. */
export function createChangeLog({ db }: { db: RawStatements }): ChangeLog {
  return {
    positions: (endpointIds, places) => readPositions(db, endpointIds, places),
    async read(endpointId, after, limit) {
      const rows = await db.$queryRawUnsafe<ChangeRow[]>(READ, endpointId, String(after), limit);
      return rows.map((row) => toChange(endpointId, row));
    },
    async readFor(owner, endpointId, after, limit) {
      const rows = await db.$queryRawUnsafe<(Omit<ChangeRow, "data"> & { data: string | null })[]>(
        READ_FOR,
        endpointId,
        String(after),
        limit,
        owner,
      );
      return rows.map(({ data, ...row }) => (data === null ? toHidden(row) : toChange(endpointId, { ...row, data })));
    },
    async findChanged(places) {
      const rows = await db.$queryRawUnsafe<{ changed: boolean }[]>(
        FIND_CHANGED,
        places.map(({ endpointId }) => endpointId),
        places.map(({ recordId }) => recordId ?? null),
        places.map(({ seq }) => String(seq)),
      );
      return rows.map(({ changed }) => changed);
    },
  };
}

function toHidden({ id, seq, at }: Pick<ChangeRow, "id" | "seq" | "at">): HiddenChange {
  return { seq: Number(seq), hidden: true, proof: toProof({ recordId: id, seq: Number(seq), at }) };
}

function toChange(endpointId: string, { seq, type, owner, at, following, ...record }: ChangeRow): Change {
  return { endpointId, seq: Number(seq), type, record, owner, at, ...(following === null ? {} : { remainingInUpload: following }) };
}
