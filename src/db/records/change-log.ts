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
  };
}

function toHidden({ id, seq, at }: Pick<ChangeRow, "id" | "seq" | "at">): HiddenChange {
  return { seq: Number(seq), hidden: true, proof: toProof({ recordId: id, seq: Number(seq), at }) };
}

function toChange(endpointId: string, { seq, type, owner, at, following, ...record }: ChangeRow): Change {
  return { endpointId, seq: Number(seq), type, record, owner, at, ...(following === null ? {} : { remainingInUpload: following }) };
}
