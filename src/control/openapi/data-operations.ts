/** What can be done at an endpoint of the data plane, for descriptions: by its kind, its schema and whether it is secure. */
import type { ErrorCode } from "@/src/shared/errors";
import type { ManagedEndpoint } from "@/src/shared/management";
import type { ApiBody, ApiMedia, ApiOperation, ApiResponse, HttpMethod, JsonSchema, Reference } from "@/src/shared/openapi";
import type { DataHeader, DataParameter } from "./data-parameters";
import { toProblemResponses } from "./problems";

/** An operation without what its endpoint adds: id, tag and security. */
export interface DataOperation extends Pick<ApiOperation, "summary" | "description" | "requestBody"> {
  method: HttpMethod;
  parameters: readonly DataParameter[];
  responses: Record<string, ApiResponse>;
}

type Described = Pick<ManagedEndpoint, "kind" | "secure" | "schema">;

const RECORD = { $ref: "#/components/schemas/Record" };
const CHANGED: JsonSchema = { anyOf: [RECORD, { $ref: "#/components/schemas/Receipt" }] };
const RECORDS = { $ref: "#/components/schemas/Records" };
const EVENTS: JsonSchema = {
  type: "string",
  description: "Server-sent events: each has a `Change` as its data, and its place as its id, from which `Last-Event-ID` goes on.",
};

/** Of every request, whatever it asks. */
const COMMON: readonly ErrorCode[] = [
  "endpoint_or_key_invalid",
  "key_missing",
  "key_scope_insufficient",
  "origin_not_allowed",
  "origin_required",
  "master_key_invalid",
  "parameter_invalid",
  "rate_limited",
  "database_unavailable",
  "internal_error",
];
const TOKEN: readonly ErrorCode[] = ["access_token_missing", "access_token_invalid"];
/** Deletion needs no room. */
const DELETE: readonly ErrorCode[] = ["server_busy"];
const WRITE: readonly ErrorCode[] = [...DELETE, "quota_exceeded"];
const BODY: readonly ErrorCode[] = ["content_type_unsupported", "body_empty", "body_invalid", "body_too_large", "body_timeout"];
const ONE: readonly ErrorCode[] = ["unique_id_missing", "unique_id_invalid", "record_not_found", "version_conflict"];
const FILES: readonly ErrorCode[] = ["upload_invalid", "too_many_files", "file_too_large", "storage_unavailable"];
const CREDENTIALS: readonly ErrorCode[] = ["credentials_missing", "credentials_invalid"];

/** The operations, in the order in which they are shown. `schema`: of JSON bodies. */
export function toDataOperations(endpoint: Described, schema: JsonSchema): DataOperation[] {
  return endpoint.kind === "authentication" ? toUserOperations(endpoint) : toRecordOperations(endpoint, schema);
}

function toRecordOperations(endpoint: Described, schema: JsonSchema): DataOperation[] {
  const access = endpoint.secure ? TOKEN : [];
  const ofOthers: readonly ErrorCode[] = endpoint.secure ? ["access_denied"] : [];
  const ofSchema: readonly ErrorCode[] = endpoint.schema === null ? [] : ["schema_mismatch", "schema_limit"];
  const bodies: Record<string, ApiMedia> = {
    "application/json": { schema, ...(endpoint.schema === null ? { example: { hello: "world" } } : {}) },
    "text/plain": { schema: { type: "string" } },
  };
  return [
    toRead({
      errors: [
        ...access,
        ...ofOthers,
        "unique_id_missing",
        "record_not_found",
        "not_a_file",
        "range_not_satisfiable",
        "storage_unavailable",
      ],
      files: true,
    }),
    {
      method: "post",
      summary: "Store a record: any JSON value, a text, or files.",
      parameters: ["dataOnly", "bulk", "idempotencyKey"],
      requestBody: {
        required: true,
        description: "What the record holds. With `bulk=true` an array of that.",
        content: { ...bodies, "multipart/form-data": { schema: { $ref: "#/components/schemas/Upload" } } },
      },
      responses: {
        201: toJson("The record; with `bulk=true` or several files an array of them.", { oneOf: [RECORD, RECORDS] }, [
          "ETag",
          "Idempotent-Replayed",
        ]),
        ...toErrors([
          ...access,
          ...BODY,
          ...ofSchema,
          ...FILES,
          "bulk_needs_array",
          "idempotency_key_invalid",
          "idempotency_key_reused",
          ...WRITE,
        ]),
      },
    },
    toUpdate({
      body: { required: true, description: "What the record holds from now on, or is merged into it.", content: bodies },
      errors: [...access, ...ofOthers, ...BODY, ...ofSchema],
    }),
    toDelete([...access, ...ofOthers]),
  ];
}

/** Accounts are never open: reading, changing and deleting needs a token, whatever the switches say. */
function toUserOperations({ schema }: Described): DataOperation[] {
  const ofSchema: readonly ErrorCode[] = schema === null ? [] : ["schema_mismatch", "schema_limit"];
  const user: ApiBody = {
    required: false,
    description: "A JSON object; none to log out.",
    content: {
      "application/json": { schema: { $ref: "#/components/schemas/User" }, example: { username: "ada", password: "correct horse" } },
    },
  };
  const patch: ApiBody = {
    required: true,
    description: "The user's fields. A `password` that is the current one changes nothing; another one needs `currentPassword`.",
    content: { "application/json": { schema: { type: "object" } } },
  };
  return [
    toRead({ errors: [...TOKEN, "access_denied"], files: false }),
    {
      method: "post",
      summary: "Register a user; with login=true log in, with logout=true log out.",
      parameters: ["login", "logout", "noATCookie", "dataOnly"],
      requestBody: user,
      responses: {
        200: toJson("Logged in: the user. Logged out: an empty object.", {}, ["ETag", "Authorization", "Set-Cookie"]),
        201: toJson("Registered: the user.", RECORD, ["ETag"]),
        ...toErrors([
          ...BODY,
          ...ofSchema,
          ...CREDENTIALS,
          "username_taken",
          "login_failed",
          "cookie_origin_not_listed",
          ...TOKEN,
          ...WRITE,
        ]),
      },
    },
    toUpdate({
      body: patch,
      errors: [...TOKEN, "access_denied", ...BODY, ...ofSchema, "credentials_invalid", "username_taken", "current_password_wrong"],
    }),
    // One's own account: its cookie ends with it.
    toDelete([...TOKEN, "access_denied"], ["Set-Cookie"]),
  ];
}

function toRead({ errors, files }: { errors: readonly ErrorCode[]; files: boolean }): DataOperation {
  const octets = { "application/octet-stream": { schema: { description: "The file, in its own type." } } };
  return {
    method: "get",
    summary: "Read records.",
    description:
      "Answers an array: every record in the order of creation, or those that are named. HEAD answers the same without a body. With `Accept: text/event-stream` it answers changes as they come instead.",
    parameters: [
      "uniqueIds",
      "dataOnly",
      "limit",
      "cursor",
      "order",
      "jsonata",
      "lastEventId",
      "maxMessage",
      "ifNoneMatch",
      ...(files ? (["fileOnly", "stream", "range"] as const) : []),
    ],
    responses: {
      200: {
        ...toJson("The records.", RECORDS, ["ETag", "Link"]),
        content: {
          "application/json": { schema: RECORDS },
          "text/event-stream": { schema: EVENTS },
          ...(files ? octets : {}),
        },
      },
      304: { description: "The record still has the version of `If-None-Match`.", headers: toHeaders(["ETag"]) },
      ...(files ? { 206: { description: "The part of the file that `Range` names.", content: octets } } : {}),
      ...toErrors([...errors, "unique_id_invalid", "cursor_invalid", "jsonata_invalid", "jsonata_limit", "server_busy"]),
    },
  };
}

function toUpdate({ body, errors }: { body: ApiBody; errors: readonly ErrorCode[] }): DataOperation {
  return {
    method: "put",
    summary: "Replace a record, or merge objects into it.",
    parameters: ["uniqueId", "strategy", "dataOnly", "ifMatch"],
    requestBody: body,
    responses: {
      200: toJson("The record, or to a key of scope `write` its receipt.", CHANGED, ["ETag"]),
      ...toErrors([...errors, ...ONE, "merge_needs_objects", "type_mismatch", ...WRITE]),
    },
  };
}

function toDelete(errors: readonly ErrorCode[], headers: readonly DataHeader[] = []): DataOperation {
  return {
    method: "delete",
    summary: "Delete a record.",
    parameters: ["uniqueId", "dataOnly", "ifMatch"],
    responses: {
      200: toJson("The record in its last state, or to a key of scope `write` its receipt.", CHANGED, ["ETag", ...headers]),
      ...toErrors([...errors, ...ONE, ...DELETE]),
    },
  };
}

function toErrors(codes: readonly ErrorCode[]): Record<string, ApiResponse> {
  return toProblemResponses([...COMMON, ...codes]);
}

function toJson(description: string, schema: JsonSchema, headers: readonly DataHeader[] = []): ApiResponse {
  return { description, headers: toHeaders(headers), content: { "application/json": { schema } } };
}

function toHeaders(headers: readonly DataHeader[]): Record<string, Reference> {
  const all = [...headers, "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"] as const;
  return Object.fromEntries(all.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
