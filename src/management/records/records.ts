/** Reads and deletes records for the dashboard's grid. */

import type { Tokens } from "@/src/core/access/access-tokens";
import type { RecordStore } from "@/src/core/records/ports";
import type { ChangeLog } from "@/src/core/streams/ports";
import type { Db } from "@/src/db/client";
import type { RecordSearch } from "@/src/db/records/record-search";
import { AppError } from "@/src/shared/errors";
import { formatCursor } from "@/src/shared/streams/cursor";
import { isUniqueId } from "@/src/shared/streams/protocol";
import { readLogPosition } from "../changes/list-changes";
import { requireOwnEndpoint, requireOwnTarget } from "../ownership";
import { readRecordPage, toGridRecordText, toNextText } from "./read-record-page";
import type { RecordPageQuery } from "./record-query";

/** Returns the JSON text of `{ records, next, since }` (see gridPageSchema). Throws `not_found`, and `parameter_invalid` if the query takes too long. */
export async function listRecords({
  db,
  changes,
  search,
  ownerId,
  endpointId,
  query,
  charactersMax,
}: {
  db: Pick<Db, "endpoint">;
  changes: Pick<ChangeLog, "positions">;
  search: RecordSearch;
  ownerId: string;
  endpointId: string;
  query: RecordPageQuery;
  /** The page ends when its data reaches this length. */
  charactersMax?: number;
}): Promise<string> {
  await requireOwnEndpoint({ db, ownerId, endpointId });
  const position = await readLogPosition(changes, endpointId);
  const { rows, next } = await readRecordPage({
    search,
    accountId: ownerId,
    endpointId,
    query,
    ...(charactersMax === undefined ? {} : { charactersMax }),
  });
  return `{"records":[${rows.map(toGridRecordText).join(",")}],"next":${toNextText(next)},"since":"${formatCursor(position)}"}`;
}

/** Returns the JSON text of the record as the grid shows it, and its version. Throws `not_found`, `unique_id_invalid`, `record_not_found`. */
export async function getRecord({
  db,
  store,
  ownerId,
  endpointId,
  uniqueId,
}: {
  db: Pick<Db, "endpoint">;
  store: Pick<RecordStore, "readOne">;
  ownerId: string;
  endpointId: string;
  uniqueId: string;
}): Promise<{ text: string; version: number }> {
  await requireOwnEndpoint({ db, ownerId, endpointId });
  if (!isUniqueId(uniqueId)) throw new AppError("unique_id_invalid");
  const record = await store.readOne(endpointId, uniqueId);
  if (!record) throw new AppError("record_not_found");
  return { text: toGridRecordText({ ...record, uniqueId: record.id }), version: record.version };
}

/** Deletes records in one transaction, and returns how many still existed. Throws `not_found`. */
export async function deleteRecords({
  db,
  store,
  tokens,
  ownerId,
  endpointId,
  uniqueIds,
}: {
  db: Pick<Db, "endpoint">;
  store: Pick<RecordStore, "commit">;
  tokens: Pick<Tokens, "invalidate">;
  ownerId: string;
  endpointId: string;
  uniqueIds: readonly string[];
}): Promise<number> {
  const { kind, projectId } = await requireOwnTarget({ db, ownerId, endpointId });
  const results = await store.commit(
    endpointId,
    [...new Set(uniqueIds)].map((id) => ({ type: "DELETE", id }) as const),
  );
  // Deleting users deletes their tokens, so token caches must be invalidated.
  if (kind === "authentication") tokens.invalidate(projectId);
  if (results.some(({ outcome }) => outcome === "endpoint_not_found")) throw new AppError("not_found");
  return results.filter(({ outcome }) => outcome === "ok").length;
}
