/** Finds the file of a record for the endpoint's owner (G15). It must not read more of it than is taken. */

import type { Files } from "@/src/core/files/files";
import { toFileHeaders } from "@/src/core/files/headers";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import { isUniqueId } from "@/src/shared/streams/protocol";
import { requireOwnEndpoint } from "../endpoints/require-own-endpoint";

export interface FoundFile {
  headers: Record<string, string>;
  /** Opens the file, which stays open until the bytes were read or the iteration ends. Throws `storage_unavailable`. */
  open(): Promise<AsyncIterable<Uint8Array>>;
}

/** The whole file. Raises `not_found`, `unique_id_invalid`, `record_not_found`, `not_a_file`. */
export async function findRecordFile({
  db,
  files,
  ownerId,
  endpointId,
  uniqueId,
}: {
  db: Pick<Db, "endpoint">;
  files: Pick<Files, "open">;
  ownerId: string;
  endpointId: string;
  uniqueId: string;
}): Promise<FoundFile> {
  await requireOwnEndpoint({ db, ownerId, endpointId });
  if (!isUniqueId(uniqueId)) throw new AppError("unique_id_invalid");
  const file = await files.open({ endpointId, id: uniqueId });
  const headers = { ...toFileHeaders(file), "Accept-Ranges": "none", "Content-Length": String(file.size) };
  return { headers, open: () => file.read({ start: 0, end: file.size - 1 }) };
}
