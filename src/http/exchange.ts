/** One request of the data plane, and the responses that its handlers send. */
import type { Access, Grant } from "@/src/core/access/access";
import type { AccessRequest } from "@/src/core/access/access-request";
import { type CallerPath, toCallerPath } from "@/src/core/access/caller-path";
import { toClientAddress } from "@/src/core/access/client-network";
import type { ResolvedEndpoint } from "@/src/core/access/resolved-endpoints";
import { parseContentCoding, toSentBytesMax } from "@/src/core/http/content-coding";
import { toEntityTag } from "@/src/core/http/entity-tag";
import type { ByteHold } from "@/src/core/limits/byte-budget";
import type { HeldBytes } from "@/src/core/limits/held-bytes";
import { isPending, type MaybePromise } from "@/src/core/maybe-promise";
import type { ShownRecord } from "@/src/core/records/judged-writes";
import { parseContentKind, parseRecordBody, type RecordBody } from "@/src/core/records/record-body";
import { toReceiptText, toRecordText } from "@/src/core/records/record-text";
import type { Written } from "@/src/core/traffic/traffic";
import { readBody } from "@/src/http/body/read-body";
import { createBodyMeter, holdAnswer, holdAnswerAnyway, toHeldLength } from "@/src/http/hold-bytes";
import { addCorsHeaders, type OriginVerdict } from "@/src/http/reply/cors";
import { type Exchange, type HeaderList, respond } from "@/src/http/reply/respond";
import { AppError, isAppError } from "@/src/shared/errors";
import type { QueryParameters } from "@/src/shared/http/query";
import type { DataForm } from "@/src/shared/streams/data-path";

/** A request, and what is known about it so far. */
export interface DataExchange extends Exchange {
  requestId: string;
  awaitsContinue: boolean;
  parameters: QueryParameters;
  origin: OriginVerdict;
  /** The suffix of the endpoint's name (U17). */
  form: DataForm | undefined;
  /** Headers of every response to this request, errors included (rate limits), in addition to those of {@link headersOf}. */
  headers: HeaderList;
  /** Headers of every response of the server (U15). */
  serverHeaders: readonly string[];
  /** The endpoint and the key, after they were found. */
  resolved: ResolvedEndpoint | undefined;
  /** The budgets that count the bytes of this request (hold-bytes.ts). */
  /** When the request began, by `performance.now()`. */
  startedAt: number;
  /** Why the request was refused or failed. */
  problem: AppError | undefined;
  /** The records that it wrote. */
  written: Written;
  held: HeldBytes;
  answerHold: ByteHold | undefined;
}

/**
 * A request that was authorized. {@link readRecordBody} and {@link requireCurrentGrant} replace `grant` and `resolved` if they have changed, so a handler
 * with a body takes them from here after the body has arrived.
 */
export interface Admitted {
  readonly exchange: DataExchange;
  readonly access: Pick<Access, "isCurrent" | "renew">;
  readonly accessRequest: AccessRequest;
  grant: Grant;
  resolved: ResolvedEndpoint;
}

/**
 * Authorizes the request again if its grant may have changed since (S9). Call it after the body has arrived, before anything is written. Usually nothing has
 * changed: then it returns at once, without a promise. Throws or rejects with the error of the first failed check.
 */
export function requireCurrentGrant(admitted: Admitted): MaybePromise<void> {
  const { access, accessRequest, grant, resolved } = admitted;
  if (access.isCurrent(grant, resolved)) return;
  return access.renew(grant, accessRequest).then((renewed) => {
    admitted.grant = renewed.grant;
    admitted.resolved = renewed.resolved;
    if (renewed.grant.judge) renewed.grant.judge.caller = callerOf(admitted);
  });
}

/** The caller of an authorized request. */
export function callerOf({ exchange, grant }: Pick<Admitted, "exchange" | "grant">): CallerPath {
  return toCallerPath(grant, toClientAddress(exchange.request));
}

/** Responds to an authorized request of one operation, or throws the error to respond with. */
export type Handler = (admitted: Admitted) => MaybePromise<void>;

/** Limits of bodies. */
export interface BodyLimits {
  bodyBytesMax: number;
  bodyTimeoutMs: number;
}

export const JSON_TYPE = "application/json; charset=utf-8";

/**
 * `no-transform`: a proxy that compresses responses would hold back server-sent events until its buffer is full, and weaken or rename entity tags
 * (RFC 9111, section 5.2.2.6; Node's `compression` and Caddy's `encode` respect it).
 */
const CACHE_CONTROL = "no-store, no-transform";

/** The headers of every response of the data plane, as a new list to add to. */
export function listHeaders({ requestId, origin, headers, serverHeaders }: DataExchange): HeaderList {
  const list = ["Cache-Control", CACHE_CONTROL, "X-Content-Type-Options", "nosniff", "X-Request-Id", requestId];
  addCorsHeaders(list, origin);
  for (const part of serverHeaders) list.push(part);
  for (const part of headers) list.push(part);
  return list;
}

/** The same as an object, for responses that replace some of them. */
export function headersOf(exchange: DataExchange): Record<string, string> {
  const list = listHeaders(exchange);
  const headers: Record<string, string> = {};
  for (let at = 0; at + 1 < list.length; at += 2) headers[list[at] ?? ""] = list[at + 1] ?? "";
  return headers;
}

/**
 * Responds with JSON text. Throws `server_busy` if it is large and clients already hold too many bytes. `more`: additional headers.
 */
export function sendJson(exchange: DataExchange, status: number, body: string, more: Readonly<HeaderList> = []): void {
  holdAnswer(exchange, toHeldLength(body));
  respond(exchange, { status, headers: listJsonHeaders(exchange, more), body });
}

/** Responds to a completed write with JSON text. Never refused. */
export function sendWritten(exchange: DataExchange, status: number, body: string, more: Readonly<HeaderList> = []): void {
  holdAnswerAnyway(exchange, toHeldLength(body));
  respond(exchange, { status, headers: listJsonHeaders(exchange, more), body });
}

function listJsonHeaders(exchange: DataExchange, more: Readonly<HeaderList>): HeaderList {
  const list = listHeaders(exchange);
  list.push("Content-Type", JSON_TYPE);
  for (const part of more) list.push(part);
  return list;
}

/** Responds to a completed write with one record (R1), or with its receipt if the caller may not read it (S7), and its version (R7). */
export function sendRecord(exchange: DataExchange, status: number, record: ShownRecord, dataOnly: boolean): void {
  sendWritten(exchange, status, toShownText(record, dataOnly), ["ETag", toEntityTag(record)]);
}

/** The JSON text of a record that was created or changed, or its receipt. */
export function toShownText(record: ShownRecord, dataOnly: boolean): string {
  return record.isHidden ? toReceiptText(record) : toRecordText(record, { dataOnly });
}

/** True for a key of scope `write`, which cannot read (U7). */
export function isWriteOnly({ key }: ResolvedEndpoint): boolean {
  return key?.scope === "write";
}

/** Responds to a PUT with the current record (R4), or its receipt. */
export function sendChanged({ exchange, resolved }: Pick<Admitted, "exchange" | "resolved">, record: ShownRecord, dataOnly: boolean): void {
  if (isWriteOnly(resolved)) sendJson(exchange, 200, toReceiptText(record), ["ETag", toEntityTag(record)]);
  else sendRecord(exchange, 200, record, dataOnly);
}

/** Responds with a record that was stored before (R5, L2), or only with its id. */
export function sendStored({ exchange, resolved }: Pick<Admitted, "exchange" | "resolved">, record: ShownRecord, dataOnly: boolean): void {
  if (isWriteOnly(resolved) || record.isHidden) sendJson(exchange, 200, toReceiptText({ id: record.id }));
  else sendRecord(exchange, 200, record, dataOnly);
}

/** A change that is checked together with the stored record reveals places and values of it in a mismatch. A key that cannot read receives neither. */
export async function hideMismatch<Result>(resolved: ResolvedEndpoint, change: Promise<Result>): Promise<Result> {
  return change.catch((error: unknown) => {
    if (!isWriteOnly(resolved) || !isAppError(error) || error.code !== "schema_mismatch") throw error;
    throw new AppError("schema_mismatch", { detail: "The merged record does not match the endpoint's schema." });
  });
}

/** Marks the response as that of the first request: nothing was written (R9). */
export function markReplayed(exchange: DataExchange): void {
  exchange.headers.push("Idempotent-Replayed", "true");
}

/**
 * Reads the body, and authorizes the request again if its rights may have changed meanwhile (S9). Returns undefined if the client disconnected before its body
 * was complete. Nothing is stored then.
 */
export function readRecordBody(admitted: Admitted, { bodyBytesMax, bodyTimeoutMs }: BodyLimits): Promise<RecordBody | undefined> {
  const { exchange } = admitted;
  const { request, response, awaitsContinue } = exchange;
  const { headers } = request;
  // A request without a body needs no type.
  if (headers["transfer-encoding"] === undefined && Number(headers["content-length"] ?? 0) === 0) throw new AppError("body_empty");
  const kind = parseContentKind(headers["content-type"]);
  const coding = parseContentCoding(headers["content-encoding"]);
  const reading = readBody({ request, bytesMax: bodyBytesMax, timeoutMs: bodyTimeoutMs, meter: createBodyMeter(exchange), coding });
  if (awaitsContinue && Number(headers["content-length"] ?? 0) <= toSentBytesMax(bodyBytesMax, coding)) response.writeContinue();
  return reading.then((bytes) => {
    if (!bytes) return undefined;
    const renewing = requireCurrentGrant(admitted);
    return isPending(renewing) ? renewing.then(() => parseRecordBody({ kind, bytes })) : parseRecordBody({ kind, bytes });
  });
}
