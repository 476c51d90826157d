/** `Idempotency-Key` (R9): tells a repeat from another request, and keeps what was answered. It must not store anything. */
import { createHash } from "node:crypto";
import { readJsonItems } from "@/src/core/json/items";
import { readMembers } from "@/src/core/json/members";
import type { IdempotencyKey, StoredRecord, StoredResponse } from "@/src/core/records/ports";
import { toRecordText } from "@/src/core/records/record-text";
import { AppError } from "@/src/shared/errors";
import { IDEMPOTENCY_KEY_LENGTH_MAX } from "@/src/shared/streams/protocol";

/** Who asks: a grant satisfies it. */
export interface IdempotencyCaller {
  master: boolean;
  keyId: string | null;
  user: { id: string } | null;
}

/** The `Idempotency-Key` header; undefined: there is none. Raises `idempotency_key_invalid` unless it has 1 to IDEMPOTENCY_KEY_LENGTH_MAX printable ASCII characters. */
export function parseIdempotencyHeader(header: string | readonly string[] | undefined): string | undefined {
  const text = typeof header === "object" ? header.join(", ") : header;
  if (text === undefined || (text.length <= IDEMPOTENCY_KEY_LENGTH_MAX && /^[\x20-\x7e]+$/.test(text))) return text;
  throw new AppError("idempotency_key_invalid");
}

/**
 * What tells a request from others. `sent`: its Idempotency-Key. `asked`: all that makes it another request, as texts. Nobody gets the answer to another
 * one's request: the same key of another caller is another key.
 */
export function toIdempotencyKey({
  sent,
  caller,
  asked,
}: {
  sent: string;
  caller: IdempotencyCaller;
  asked: readonly string[];
}): IdempotencyKey {
  return { hash: toHash([toName(caller), sent]), fingerprint: toHash(asked) };
}

/** What is remembered of new records: the JSON text of an array of them. */
export function writeStoredResponse(records: readonly StoredRecord[]): string {
  return `[${records.map((record) => toRecordText(record)).join(",")}]`;
}

/** Reads what {@link writeStoredResponse} wrote. New records have version 1. */
function readStoredResponse(answer: string): StoredRecord[] {
  return Array.from(readJsonItems(answer), ({ text }) => {
    const [id, data, createdAt, updatedAt] = readMembers(text).map(({ valueText }) => valueText);
    if (id === undefined || data === undefined || createdAt === undefined || updatedAt === undefined)
      throw new Error("The stored response is not a list of records.");
    // Ids and times have forms that need no escaping.
    return { id: id.slice(1, -1), version: 1, data, createdAt: createdAt.slice(1, -1), updatedAt: updatedAt.slice(1, -1) };
  });
}

function toName({ master, user, keyId }: IdempotencyCaller): string {
  if (master) return "master";
  return user ? `user ${user.id}` : `key ${keyId}`;
}

/** Of the parts, told apart by their lengths. */
function toHash(parts: readonly string[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest();
}

/** The records that a repeat is answered with. Raises `idempotency_key_reused`. */
export function toReplay(remembered: StoredResponse): { records: StoredRecord[]; isReplay: true } {
  if (remembered.outcome === "reused") throw new AppError("idempotency_key_reused");
  return { records: readStoredResponse(remembered.answer), isReplay: true };
}
