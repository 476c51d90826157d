/** Reads and deletes records for the grid. */

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

/** The JSON text of `{ records, next, since }` (see gridPageSchema). Raises `not_found`, and `parameter_invalid` when it takes too long. */
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
  /** The page ends once its data is this long. */
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

/** The JSON text of the record as the grid shows it, and its version. Raises `not_found`, `unique_id_invalid`, `record_not_found`. */
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

/** How many of the records there still were; those are deleted in one transaction. Raises `not_found`. */
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
  // Users take their tokens with them; who holds one must hear of it.
  if (kind === "authentication") tokens.invalidate(projectId);
  if (results.some(({ outcome }) => outcome === "endpoint_not_found")) throw new AppError("not_found");
  return results.filter(({ outcome }) => outcome === "ok").length;
}
