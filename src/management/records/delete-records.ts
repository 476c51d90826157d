/** Deletes several records for the endpoint's owner, together. */

import type { Tokens } from "@/src/core/access/access-tokens";
import type { RecordStore } from "@/src/core/records/ports";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import { requireOwnTarget } from "../endpoints/require-own-target";

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
