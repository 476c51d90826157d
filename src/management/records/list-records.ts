/** Answers a page of the grid. Data passes through as text: its digits and key order stay. */
import type { ChangeLog } from "@/src/core/streams/ports";
import type { Db } from "@/src/db/client";
import type { RecordSearch } from "@/src/db/records/record-search";
import { formatCursor } from "@/src/shared/streams/cursor";
import { readLogPosition } from "../changes/read-log-position";
import { requireOwnEndpoint } from "../endpoints/require-own-endpoint";
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
