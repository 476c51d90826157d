/** Deletes several records for the endpoint's owner, together. */
import type { RecordStore } from "@/src/core/ports";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import { requireOwnEndpoint } from "./require-own-endpoint";

/** How many of the records there still were; those are deleted in one transaction. Raises `not_found`. */
export async function deleteRecords({
  db,
  store,
  ownerId,
  endpointId,
  uniqueIds,
}: {
  db: Pick<Db, "endpoint">;
  store: Pick<RecordStore, "commit">;
  ownerId: string;
  endpointId: string;
  uniqueIds: readonly string[];
}): Promise<number> {
  await requireOwnEndpoint({ db, ownerId, endpointId });
  const results = await store.commit(
    endpointId,
    [...new Set(uniqueIds)].map((id) => ({ type: "DELETE", id }) as const),
  );
  if (results.some(({ outcome }) => outcome === "endpoint_not_found")) throw new AppError("not_found");
  return results.filter(({ outcome }) => outcome === "ok").length;
}
