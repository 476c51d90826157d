/** Stores and finds files of an endpoint, for its owner. */

import { toOwnerPath } from "@/src/core/access/caller-path";
import type { Files } from "@/src/core/files/files";
import { REVALIDATE, toFileHeaders } from "@/src/core/files/headers";
import { type FileConditions, selectPart } from "@/src/core/files/select-part";
import type { ByteHold } from "@/src/core/limits/byte-budget";
import { toRecordText } from "@/src/core/records/record-text";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import { isUniqueId } from "@/src/shared/streams/protocol";
import { requireOwnEndpoint, requireOwnTarget } from "../ownership";

export interface FoundFile {
  status: 200 | 206 | 304;
  headers: Record<string, string>;
  /** Absent for 304. Opens the file. It is closed when all bytes were read or the iteration ends. Throws `storage_unavailable`. */
  open?: () => Promise<AsyncIterable<Uint8Array>>;
}

/**
 * Finds the file of a record, or the part of it that the request's conditions select. Throws `not_found`, `unique_id_invalid`, `record_not_found`,
 * `not_a_file` and `range_not_satisfiable`.
 */
export async function findRecordFile({
  db,
  files,
  ownerId,
  endpointId,
  uniqueId,
  conditions,
}: {
  db: Pick<Db, "endpoint">;
  files: Pick<Files, "open">;
  ownerId: string;
  endpointId: string;
  uniqueId: string;
  conditions: FileConditions;
}): Promise<FoundFile> {
  await requireOwnEndpoint({ db, ownerId, endpointId });
  if (!isUniqueId(uniqueId)) throw new AppError("unique_id_invalid");
  const file = await files.open({ endpointId, id: uniqueId });
  const part = selectPart(conditions, file);
  const headers = { ...toFileHeaders(file), "Cache-Control": REVALIDATE };
  if (part.status === 304) return { status: 304, headers };
  const { status, start, end } = part;
  return { status, headers: { ...headers, ...part.headers }, open: () => file.read({ start, end }) };
}

/**
 * Stores a file and returns the JSON text of its record. Throws `not_found`, `upload_invalid` at an authentication endpoint, `body_timeout`, what
 * Files.beginUpload throws, and what `authorizeAgain` throws; then nothing of the file is kept.
 */
export async function storeFile({
  db,
  files,
  ownerId,
  endpointId,
  file,
  timeoutMs,
  hold,
  authorizeAgain,
}: {
  db: Pick<Db, "endpoint">;
  files: Pick<Files, "beginUpload">;
  ownerId: string;
  endpointId: string;
  /** `open` returns the bytes as they arrive. If the signal aborts, they fail with its reason. */
  file: { name: string; type: string; open: (signal: AbortSignal) => AsyncIterable<Uint8Array> };
  /** The time limit for all bytes. */
  timeoutMs: number;
  /** Counts the memory that the upload holds while it arrives. */
  hold: ByteHold;
  /** Rejects if the account may no longer send the file. Called when all bytes have arrived (S9). */
  authorizeAgain: () => Promise<unknown>;
}): Promise<string> {
  const { kind, projectId } = await requireOwnTarget({ db, ownerId, endpointId });
  if (kind === "authentication") throw new AppError("upload_invalid", { detail: "Authentication endpoints do not accept files." });
  if (kind === "email") throw new AppError("upload_invalid", { detail: "E-mail endpoints do not accept files." });
  const giveUp = new AbortController();
  const caller = toOwnerPath(ownerId, projectId);
  const upload = files.beginUpload({ signal: giveUp.signal, hold, target: { endpointId, mayReplay: false }, caller });
  const timer = setTimeout(() => giveUp.abort(new AppError("body_timeout")), timeoutMs);
  try {
    await upload.add({ name: file.name, type: file.type, bytes: file.open(giveUp.signal) });
    clearTimeout(timer);
    await authorizeAgain();
    const { schema } = await requireOwnTarget({ db, ownerId, endpointId });
    const {
      records: [record],
    } = await upload.commit({ endpointId, schema, caller, owner: undefined, metadata: {} });
    if (!record) throw new AppError("internal_error", { internal: "a file was stored without a record" });
    return toRecordText(record);
  } finally {
    clearTimeout(timer);
    giveUp.abort(new AppError("upload_invalid"));
    await upload.discard();
    hold.release();
  }
}
