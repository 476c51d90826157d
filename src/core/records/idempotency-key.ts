/** Idempotency keys (R9): identifies replays of a request, and converts between new records and the stored response. */
import { createHash } from "node:crypto";
import { readJsonItems } from "@/src/core/json/items";
import { readMembers } from "@/src/core/json/members";
import type { IdempotencyKey, StoredRecord, StoredResponse } from "@/src/core/records/ports";
import { toRecordText } from "@/src/core/records/record-text";
import { AppError } from "@/src/shared/errors";
import { IDEMPOTENCY_KEY_LENGTH_MAX } from "@/src/shared/streams/protocol";

/** The caller of a request. A grant satisfies this type. */
export interface IdempotencyCaller {
  master: boolean;
  keyId: string | null;
  user: { id: string } | null;
}

/**
 * Parses the `Idempotency-Key` header. Returns undefined if there is none. Throws `idempotency_key_invalid` unless it has 1 to
 * IDEMPOTENCY_KEY_LENGTH_MAX printable ASCII characters.
 */
export function parseIdempotencyHeader(header: string | readonly string[] | undefined): string | undefined {
  const text = typeof header === "object" ? header.join(", ") : header;
  if (text === undefined || (text.length <= IDEMPOTENCY_KEY_LENGTH_MAX && /^[\x20-\x7e]+$/.test(text))) return text;
  throw new AppError("idempotency_key_invalid");
}

/**
 * Identifies a request. `header`: its Idempotency-Key. `request`: the texts in which a different request would differ. The same key of another caller
 * is a different key, so nobody receives the response to somebody else's request.
 */
export function toIdempotencyKey({
  header,
  caller,
  request,
}: {
  header: string;
  caller: IdempotencyCaller;
  request: readonly string[];
}): IdempotencyKey {
  return { hash: toHash([toName(caller), header]), fingerprint: toHash(request) };
}

/** The response to store: the JSON text of an array of the new records. */
export function writeStoredResponse(records: readonly StoredRecord[]): string {
  return `[${records.map((record) => toRecordText(record)).join(",")}]`;
}

/** Reads what {@link writeStoredResponse} wrote. New records have version 1. */
function readStoredResponse(response: string): StoredRecord[] {
  return Array.from(readJsonItems(response), ({ text }) => {
    const [id, data, createdAt, updatedAt] = readMembers(text).map(({ valueText }) => valueText);
    if (id === undefined || data === undefined || createdAt === undefined || updatedAt === undefined)
      throw new Error("The stored response is not a list of records.");
    // Ids and times never contain characters that need escaping.
    return { id: id.slice(1, -1), version: 1, data, createdAt: createdAt.slice(1, -1), updatedAt: updatedAt.slice(1, -1) };
  });
}

function toName({ master, user, keyId }: IdempotencyCaller): string {
  if (master) return "master";
  return user ? `user ${user.id}` : `key ${keyId}`;
}

/** The hash of the parts, separated by their lengths. */
function toHash(parts: readonly string[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest();
}

/** The records to respond with to a replay. Throws `idempotency_key_reused`. */
export function toReplay(stored: StoredResponse): { records: StoredRecord[]; isReplay: true } {
  if (stored.outcome === "reused") throw new AppError("idempotency_key_reused");
  return { records: readStoredResponse(stored.response), isReplay: true };
}
