/** The description of one operation of the management API, and the errors that follow from its form. */
import type * as z from "zod/mini";
import type { ErrorCode } from "@/src/shared/errors";
import type { ApiBody, ApiMedia, ApiParameter, HttpMethod } from "@/src/shared/openapi";

export interface ManageOperation {
  /** Unique. Generated clients use it as the name of the method. */
  id: string;
  method: HttpMethod;
  /** Below `/api/manage/`, with `{name}` for parameters. */
  path: string;
  tag: string;
  summary: string;
  description?: string;
  /** Query parameters. */
  query?: readonly ApiParameter[];
  headers?: readonly ApiParameter[];
  /** The schema that validates the body, or the accepted media types. */
  body?: z.ZodMiniType | ApiBody;
  /** Absent: 204 without a body. */
  answer?: Answer;
  /** The response that a parameter selects instead. */
  otherAnswer?: Answer;
  /** The description of the response 304. Absent: the operation does not support it. */
  notModified?: string;
  /** Errors besides those that follow from the form. */
  errors?: readonly ErrorCode[];
  /** Needs neither a session nor a token. */
  isPublic?: true;
}

export interface Answer {
  status: 200 | 201 | 202 | 206;
  description: string;
  /** The schema of the response, or its possible media types. */
  schema: z.ZodMiniType | Record<string, ApiMedia>;
  /** The response is an array of these. */
  isList?: true;
}

/** True if the body is validated by a schema. */
export function isBodySchema(body: z.ZodMiniType | ApiBody): body is z.ZodMiniType {
  return "_zod" in body;
}

/** True if the response has a schema. */
export function isAnswerSchema(schema: Answer["schema"]): schema is z.ZodMiniType {
  return "_zod" in schema;
}

/** Returns the errors of an operation: those of all operations, of paths with an id, of bodies, and its own. */
export function errorsOf({ path, body, query, errors = [], isPublic }: ManageOperation): ErrorCode[] {
  return [
    ...(isPublic ? [] : (["session_missing", "account_mismatch", "management_token_invalid", "token_scope_insufficient"] as const)),
    "cross_site_request",
    "request_invalid",
    "host_not_allowed",
    "headers_too_large",
    "transfer_encoding_unsupported",
    ...(path.includes("{id}") ? (["not_found"] as const) : []),
    ...(query ? (["parameter_invalid"] as const) : []),
    ...(body && isBodySchema(body) ? BODY_ERRORS : []),
    ...errors,
    "rate_limited",
    "server_busy",
    "database_unavailable",
    "internal_error",
  ];
}

/** Errors of a body that a schema validates. */
const BODY_ERRORS = [
  "content_type_unsupported",
  "content_encoding_unsupported",
  "body_empty",
  "body_invalid",
  "body_too_large",
  "request_invalid",
  "fields_invalid",
] as const;
