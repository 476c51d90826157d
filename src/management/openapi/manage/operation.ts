/** One operation of the management API as it is listed, and the errors that follow from its form. It must not know any operation. */
import type * as z from "zod/mini";
import type { ErrorCode } from "@/src/shared/errors";
import type { ApiBody, ApiMedia, ApiParameter, HttpMethod } from "@/src/shared/openapi";

export interface ManageOperation {
  /** Unique; what generated clients call it. */
  id: string;
  method: HttpMethod;
  /** Below `/api/manage/`, with `{name}` for parameters. */
  path: string;
  tag: string;
  summary: string;
  description?: string;
  /** Of the query. */
  query?: readonly ApiParameter[];
  headers?: readonly ApiParameter[];
  /** The schema that checks the body; or what else is taken. */
  body?: z.ZodMiniType | ApiBody;
  /** Absent: 204, and nothing to say. */
  answer?: Answer;
  /** What it answers instead where a parameter asks for that. */
  otherAnswer?: Answer;
  /** It can answer 304, with this description. */
  notModified?: string;
  /** Besides those that follow from its form. */
  errors?: readonly ErrorCode[];
  /** Anybody may ask, without a session or a token. */
  isPublic?: true;
}

export interface Answer {
  status: 200 | 201 | 206;
  description: string;
  /** The schema that the answer has; or the media types that it may have. */
  schema: z.ZodMiniType | Record<string, ApiMedia>;
  /** The answer is an array of these. */
  isList?: true;
}

/** Whether a body is checked by a schema of ours. */
export function isBodySchema(body: z.ZodMiniType | ApiBody): body is z.ZodMiniType {
  return "_zod" in body;
}

/** Whether an answer has a schema of ours. */
export function isAnswerSchema(schema: Answer["schema"]): schema is z.ZodMiniType {
  return "_zod" in schema;
}

/** Every error that the operation may answer: those of everybody who asks, of paths with an id, of bodies, and its own. */
export function errorsOf({ path, body, query, errors = [], isPublic }: ManageOperation): ErrorCode[] {
  return [
    ...(isPublic ? [] : (["session_missing", "management_token_invalid", "token_scope_insufficient"] as const)),
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

/** Of a body that a schema checks. */
const BODY_ERRORS = [
  "content_type_unsupported",
  "content_encoding_unsupported",
  "body_empty",
  "body_invalid",
  "body_too_large",
  "request_invalid",
  "fields_invalid",
] as const;
