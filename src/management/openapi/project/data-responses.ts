/** Responses and errors that the data plane's operations share in descriptions. */
import type { ErrorCode } from "@/src/shared/errors";
import type { ApiResponse, JsonSchema, Reference } from "@/src/shared/openapi";
import { toProblemResponses } from "../problems";
import type { DataHeader } from "./data-parameters";

/** Errors of every request. */
const COMMON: readonly ErrorCode[] = [
  "endpoint_or_key_invalid",
  "key_missing",
  "key_scope_insufficient",
  "origin_not_allowed",
  "origin_required",
  "master_key_invalid",
  "parameter_invalid",
  "request_invalid",
  "headers_too_large",
  "transfer_encoding_unsupported",
  "rate_limited",
  "server_busy",
  "database_unavailable",
  "internal_error",
];
/** Deletions are not limited by quotas. */
export const DELETE: readonly ErrorCode[] = ["server_busy"];
export const WRITE: readonly ErrorCode[] = [...DELETE, "quota_exceeded"];
export const BODY: readonly ErrorCode[] = [
  "content_type_unsupported",
  "content_encoding_unsupported",
  "body_empty",
  "body_invalid",
  "body_too_large",
  "body_timeout",
];
export const CREDENTIALS: readonly ErrorCode[] = ["credentials_missing", "credentials_invalid"];

export function toErrors(codes: readonly ErrorCode[]): Record<string, ApiResponse> {
  return toProblemResponses([...COMMON, ...codes]);
}

export function toJson(description: string, schema: JsonSchema, headers: readonly DataHeader[] = []): ApiResponse {
  return { description, headers: toHeaders(headers), content: { "application/json": { schema } } };
}

export function toHeaders(headers: readonly DataHeader[]): Record<string, Reference> {
  const all = [...headers, "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"] as const;
  return Object.fromEntries(all.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
