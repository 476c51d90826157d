/** Reads one record for the endpoint's owner. */
import type { RecordStore } from "@/src/core/records/ports";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import { isUniqueId } from "@/src/shared/streams/protocol";
import { requireOwnEndpoint } from "../endpoints/require-own-endpoint";
import { toGridRecordText } from "./read-record-page";

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
