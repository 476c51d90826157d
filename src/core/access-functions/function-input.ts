/** The input of access functions (S8), as JSON texts. */
import type { JudgedOperation, JudgedRecord } from "@/src/core/access/record-judge";
import type { FunctionCase } from "@/src/core/sandbox";

/** The part of the input that is equal for all records of a caller. `user.data`: JSON text. */
export function toFunctionCommon({
  user,
  origin,
  key,
  now,
}: {
  user: { id: string; endpoint: string; data: string } | null;
  origin: string | null;
  key: { name: string; scope: string } | null;
  now: Date;
}): string {
  return joinCommon(toUserText(user), toRequestText({ origin, key }), now);
}

/** As `toFunctionCommon`, from the texts of `toUserText` and `toRequestText`. */
export function joinCommon(user: string, request: string, now: Date): string {
  return `{"user":${user},"request":${request},"now":${now.getTime()}}`;
}

/** `data`: JSON text. */
export function toUserText(user: { id: string; endpoint: string; data: string } | null): string {
  return user ? `{"uniqueId":"${user.id}","endpoint":${JSON.stringify(user.endpoint)},"data":${user.data}}` : "null";
}

/** Of the key, only what the function may see. */
export function toRequestText({ origin, key }: { origin: string | null; key: { name: string; scope: string } | null }): string {
  return JSON.stringify({ origin, key: key && { name: key.name, scope: key.scope } });
}

/**
 * The calls that decide about a record: all of them must allow. A function can treat `read` and `subscribe` differently, so a stream needs both: nobody receives
 * what a GET would refuse. `input`: the body of an update as JSON text.
 */
export function toFunctionCases(operation: JudgedOperation, record: JudgedRecord, input?: string | undefined): FunctionCase[] {
  if (operation === "create") return [{ operation, record: "null", input: record.data }];
  const { uniqueId, data, owner } = record;
  const text = `{"uniqueId":"${uniqueId}","data":${data},"owner":${owner === null ? "null" : `"${owner}"`}}`;
  const operations = operation === "subscribe" ? ["read", operation] : [operation];
  return operations.map((each) => ({ operation: each, record: text, input: (operation === "update" ? input : undefined) ?? "null" }));
}
