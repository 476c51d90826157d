/** The query parameters of record operations (R1, R3–R5, R8). Others are ignored (U1). */
import { type ListOrder, parsePageCursor } from "@/src/core/records/page-cursor";
import { parseFlag } from "@/src/core/records/parameters";
import { AppError } from "@/src/shared/errors";
import type { QueryParameters } from "@/src/shared/http/query";
import { isUniqueId, PAGE_RECORDS_MAX, UNIQUE_IDS_MAX } from "@/src/shared/streams/protocol";

export function parseDataOnly(parameters: QueryParameters): boolean {
  return parseFlag(parameters, "dataOnly");
}

/** The part of a list that a GET requests, and its order. */
export interface AskedRange {
  order: ListOrder;
  /** Only records after the one with this seq. */
  after: number | undefined;
  /** Undefined: all records. */
  limit: number | undefined;
}

/** Parses `order`, `cursor` and `limit` for a list of this endpoint. Without `order`, the cursor's order applies. Throws `parameter_invalid`. */
export function parseRange(parameters: QueryParameters, endpointId: string): AskedRange {
  const order = parseOrder(parameters.get("order"));
  const cursor = parameters.get("cursor");
  const place = cursor === null ? undefined : parsePageCursor(cursor, { endpointId, order });
  return { order: place?.order ?? order ?? "asc", after: place?.seq, limit: parseLimit(parameters.get("limit")) };
}

/** Throws `parameter_invalid` if a request that names its records also requests a part of a list. */
export function refuseRange(parameters: QueryParameters): void {
  for (const name of ["limit", "cursor", "order"]) {
    if (!parameters.has(name)) continue;
    throw new AppError("parameter_invalid", { detail: `${name} applies only to lists. Omit it, or omit uniqueId.` });
  }
}

function parseOrder(value: string | null): ListOrder | undefined {
  if (value === null || value === "asc" || value === "desc") return value ?? undefined;
  throw new AppError("parameter_invalid", { detail: "order must be asc (oldest first) or desc (newest first)." });
}

function parseLimit(value: string | null): number | undefined {
  if (value === null) return undefined;
  const limit = /^[1-9]\d{0,8}$/.test(value) ? Number(value) : 0;
  if (limit >= 1 && limit <= PAGE_RECORDS_MAX) return limit;
  throw new AppError("parameter_invalid", { detail: `limit must be a number from 1 to ${PAGE_RECORDS_MAX}.` });
}

/** The record that a PUT or DELETE names. Throws `unique_id_missing`, `unique_id_invalid`, and `parameter_invalid` for several. */
export function parseUniqueId(parameters: QueryParameters): string {
  const [id, ...others] = listIds(parameters);
  if (id === undefined) throw new AppError("unique_id_missing");
  if (others.length > 0)
    throw new AppError("parameter_invalid", { detail: "Send exactly one uniqueId, because this operation is for a single record." });
  return id;
}

/**
 * The records that a GET names, each once; undefined if it names none and so requests all. An empty `uniqueId` is invalid, because a client with an empty variable
 * does not want all records. Throws `unique_id_invalid`, and `parameter_invalid` for too many.
 */
export function parseUniqueIds(parameters: QueryParameters): readonly string[] | undefined {
  if (!parameters.has("uniqueId")) return undefined;
  const ids = listIds(parameters);
  if (ids.length === 0) throw new AppError("unique_id_invalid");
  if (ids.length > UNIQUE_IDS_MAX)
    throw new AppError("parameter_invalid", { detail: `Too many uniqueIds. Send at most ${UNIQUE_IDS_MAX} at once.` });
  return ids;
}

/** Repeated or comma-separated. */
function listIds(parameters: QueryParameters): string[] {
  const values = parameters.getAll("uniqueId");
  // Most requests name one record.
  if (values.length === 1 && isUniqueId(values[0] ?? "")) return values;
  const ids = new Set<string>();
  for (const value of values) {
    for (const id of value.split(",")) if (id !== "") ids.add(id);
  }
  for (const id of ids) if (!isUniqueId(id)) throw new AppError("unique_id_invalid");
  return [...ids];
}
