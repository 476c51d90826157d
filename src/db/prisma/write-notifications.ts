/** Derives the notifications of a Prisma operation from its arguments and its result. */
import { toUuid } from "@/src/core/records/unique-id";
import type { ChangeNotification } from "@/src/core/streams/ports";

/** A Prisma operation that succeeded. */
export interface Operation {
  model?: string | undefined;
  operation: string;
  args: unknown;
  result: unknown;
}

const WRITES = new Set([
  ...["create", "createMany", "createManyAndReturn", "update", "updateMany", "updateManyAndReturn"],
  ...["upsert", "delete", "deleteMany"],
]);

const UNKNOWN: readonly ChangeNotification[] = [{ kind: "unknown" }];
const NONE: readonly ChangeNotification[] = [];

/** The table's name as SQL must write it, or a function that writes to it. */
const RAW_RECORD = /"Record"|\brecord_commit\w*/;
/** Does not match the `UPDATE` of SELECT … FOR UPDATE. */
const RAW_WRITE = /\b(?:insert|delete|merge|truncate|record_commit\w*)\b|(?<!\bfor\s+(?:no\s+key\s+)?)\bupdate\b/i;

/** Returns one notification per endpoint, or a single `unknown`; none if no record can have been written. */
export function toWriteNotifications({ model, operation, args, result }: Operation): readonly ChangeNotification[] {
  if (model === undefined) return toRawNotifications(operation, args);
  if (!WRITES.has(operation)) return NONE;
  if (model === "Record") return toRecordNotifications(args, result);
  return writesRecord(args) ? UNKNOWN : NONE;
}

function toRawNotifications(operation: string, args: unknown): readonly ChangeNotification[] {
  const sql = toSqlText(args);
  if (!RAW_RECORD.test(sql)) return NONE;
  return operation.startsWith("$execute") || RAW_WRITE.test(sql) ? UNKNOWN : NONE;
}

/** The Unsafe forms have `[sql, ...values]`; the tagged and typed forms an object with the text. */
function toSqlText(args: unknown): string {
  const text: unknown = Array.isArray(args) ? args[0] : (read(args, "text") ?? read(args, "sql"));
  return typeof text === "string" ? text : "";
}

function toRecordNotifications(args: unknown, result: unknown): readonly ChangeNotification[] {
  if (read(result, "count") === 0) return NONE;
  const rows = Array.isArray(result) ? result : [result];
  if (rows.length === 0) return NONE;
  const ids = toEndpointIds(rows) ?? toEndpointIds(asArray(read(args, "data"))) ?? toEndpointIds([read(args, "where")]);
  return ids ? [...ids].map((endpointId) => ({ kind: "endpoint", endpointId })) : UNKNOWN;
}

/** The endpoints that the objects name. Undefined unless every object names one. */
function toEndpointIds(objects: readonly unknown[]): Set<string> | undefined {
  const ids = objects.map((object) => readString(object, "endpointId"));
  const known = ids.filter((id) => id !== undefined);
  return known.length > 0 && known.length === ids.length ? new Set(known.map(toComparable)) : undefined;
}

/** PostgreSQL accepts UUIDs with or without dashes, in upper or lower case. Notifications compare them as text. */
function toComparable(id: string): string {
  return toUuid(id.replaceAll("-", "").toLowerCase());
}

/** True if a write to another model contains a nested write to a record (of a user or a file), at any depth. */
function writesRecord(args: unknown): boolean {
  return ["data", "create", "update"].some((part) => holdsKey(read(args, part), "record"));
}

function holdsKey(value: unknown, key: string): boolean {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return false;
  if (key in value) return true;
  return Object.values(value).some((member) => holdsKey(member, key));
}

function read(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

function readString(value: unknown, key: string): string | undefined {
  const found = read(value, key);
  return typeof found === "string" ? found : undefined;
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}
