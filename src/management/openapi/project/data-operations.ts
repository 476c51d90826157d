/** What can be done at an endpoint of the data plane, for descriptions: by its kind, its schema and whether it is secure. */

import type { ErrorCode } from "@/src/shared/errors";
import type { ManagedEndpoint } from "@/src/shared/management/schemas";
import type { ApiBody, ApiMedia, ApiOperation, ApiResponse, HttpMethod, JsonSchema, Reference } from "@/src/shared/openapi";
import type { DataForm } from "@/src/shared/streams/data-path";
import { BULK_ITEMS_MAX } from "@/src/shared/streams/protocol";
import { toProblemResponses } from "../problems";
import type { DataHeader, DataParameter } from "./data-parameters";
import type { DataSchemas } from "./data-schemas";

/**
 * An operation without what its endpoint adds: id, tag and security. Each has one kind of answer: what a parameter would make of another kind is an
 * operation of its own, at the address that ends with `form` (U17).
 */
export interface DataOperation extends Pick<ApiOperation, "summary" | "description" | "requestBody"> {
  method: HttpMethod;
  form?: DataForm;
  parameters: readonly DataParameter[];
  responses: Record<string, ApiResponse>;
}

type Described = Pick<ManagedEndpoint, "kind" | "secure" | "schema">;

/** Of every request, whatever it asks. */
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
const TOKEN: readonly ErrorCode[] = ["access_token_missing", "access_token_invalid"];
/** Deletion needs no room. */
const DELETE: readonly ErrorCode[] = ["server_busy"];
const WRITE: readonly ErrorCode[] = [...DELETE, "quota_exceeded"];
const BODY: readonly ErrorCode[] = [
  "content_type_unsupported",
  "content_encoding_unsupported",
  "body_empty",
  "body_invalid",
  "body_too_large",
  "body_timeout",
];
const ONE: readonly ErrorCode[] = ["unique_id_missing", "unique_id_invalid", "record_not_found", "version_conflict"];
const ONCE: readonly ErrorCode[] = ["idempotency_key_invalid", "idempotency_key_reused"];
const FILES: readonly ErrorCode[] = ["upload_invalid", "too_many_files", "file_too_large", "storage_unavailable"];
const ONE_FILE: readonly ErrorCode[] = ["unique_id_missing", "unique_id_invalid", "record_not_found", "not_a_file"];
const CREDENTIALS: readonly ErrorCode[] = ["credentials_missing", "credentials_invalid"];

/** The operations, in the order in which they are shown. */
export function toDataOperations(endpoint: Described, schemas: DataSchemas): DataOperation[] {
  return endpoint.kind === "authentication" ? toUserOperations(endpoint, schemas) : toRecordOperations(endpoint, schemas);
}

function toRecordOperations(endpoint: Described, schemas: DataSchemas): DataOperation[] {
  const access = endpoint.secure ? TOKEN : [];
  const ofOthers: readonly ErrorCode[] = endpoint.secure ? ["access_denied"] : [];
  const ofSchema: readonly ErrorCode[] = endpoint.schema === null ? [] : ["schema_mismatch", "schema_limit"];
  const example = endpoint.schema === null ? { example: { hello: "world" } } : {};
  const bodies: Record<string, ApiMedia> = {
    "application/json": { schema: schemas.data, ...example },
    "text/plain": { schema: { type: "string", minLength: 1 } },
  };
  const created = [...access, ...BODY, ...ofSchema, ...ONCE, ...WRITE];
  const read = [...access, ...ofOthers];
  return [
    ...toReads({ errors: read, schemas }),
    {
      method: "post",
      summary: "Store a record: any JSON value, or a text.",
      parameters: ["idempotencyKey"],
      requestBody: { required: true, description: "What the record holds.", content: bodies },
      responses: { 201: toJson("The record.", schemas.record, CREATED), ...toErrors(created) },
    },
    toUpdate({
      body: { required: true, description: "What the record holds from now on, or is merged into it.", content: bodies },
      errors: [...read, ...BODY, ...ofSchema],
      schemas,
    }),
    toDelete({ errors: read, schemas }),
    {
      method: "post",
      form: "bulk",
      summary: "Store several records, all or none.",
      parameters: ["idempotencyKey"],
      requestBody: {
        required: true,
        description: "An array: one record for each item.",
        content: { "application/json": { schema: { ...toList(schemas.data), maxItems: BULK_ITEMS_MAX } } },
      },
      responses: {
        201: toJson("The records, in the order of the items.", toList(schemas.record), CREATED),
        ...toErrors(["bulk_needs_array", ...created]),
      },
    },
    {
      method: "get",
      form: "file",
      summary: "Read the file that a record describes.",
      parameters: ["uniqueId", "fileToken", "range", "ifNoneMatch"],
      responses: {
        200: { description: "The file, in its own type.", headers: toHeaders(["ETag"]), content: OCTETS },
        206: { description: "The part of the file that `Range` names.", headers: toHeaders(["ETag"]), content: OCTETS },
        304: { description: "The file still has the tag of `If-None-Match`.", headers: toHeaders(["ETag"]) },
        ...toErrors([...read, ...ONE_FILE, "file_token_invalid", "range_not_satisfiable", "storage_unavailable", "server_busy"]),
      },
    },
    {
      method: "post",
      form: "file",
      summary: "Store a file, with a record that describes it.",
      description:
        "Text parts become `metadata` in the record’s data. A form with several parts named `file` makes a record of each, and is answered with an array.",
      parameters: ["idempotencyKey"],
      requestBody: { required: true, content: { "multipart/form-data": { schema: UPLOAD } } },
      responses: { 201: toJson("The record.", FILE_RECORD, CREATED), ...toErrors([...created, ...FILES]) },
    },
    {
      method: "post",
      form: "fileToken",
      summary: "Make a URL that reads the file of a record for a while.",
      description: "For `<img>` and `<video>`, which can't send an access token: the URL needs none.",
      parameters: ["uniqueId", "expiresIn"],
      responses: { 201: toJson("The URL, and what it ends with.", FILE_TOKEN), ...toErrors([...read, ...ONE_FILE, "server_busy"]) },
    },
    toEvents(read),
  ];
}

/** Accounts are never open: reading, changing and deleting needs a token, whatever the switches say. */
function toUserOperations({ schema }: Described, schemas: DataSchemas): DataOperation[] {
  const ofSchema: readonly ErrorCode[] = schema === null ? [] : ["schema_mismatch", "schema_limit"];
  const read: readonly ErrorCode[] = [...TOKEN, "access_denied"];
  const credentials: ApiBody = {
    required: true,
    content: {
      "application/json": { schema: { $ref: "#/components/schemas/Credentials" }, example: { username: "ada", password: "correct horse" } },
    },
  };
  return [
    ...toReads({ errors: read, schemas }),
    {
      method: "post",
      summary: "Register a user.",
      parameters: [],
      requestBody: credentials,
      responses: {
        201: toJson("The user.", schemas.record, ["ETag"]),
        ...toErrors([...BODY, ...ofSchema, ...CREDENTIALS, "username_taken", ...WRITE]),
      },
    },
    toUpdate({
      body: { required: true, content: { "application/json": { schema: { $ref: "#/components/schemas/UserPatch" } } } },
      errors: [...read, ...BODY, ...ofSchema, "credentials_invalid", "username_taken", "current_password_wrong"],
      schemas,
    }),
    // One's own account: its cookie ends with it.
    toDelete({ errors: read, headers: ["Set-Cookie"], schemas }),
    {
      method: "post",
      form: "login",
      summary: "Log a user in: the answer brings an access token, as a cookie unless `noATCookie` is set.",
      parameters: ["noATCookie"],
      requestBody: credentials,
      responses: {
        200: toJson("The user.", schemas.written, ["ETag", "Authorization", "Set-Cookie"]),
        ...toErrors([...BODY, ...CREDENTIALS, "login_failed", "cookie_origin_not_listed", ...WRITE]),
      },
    },
    {
      method: "post",
      form: "logout",
      summary: "Log a user out: the access token that is sent ends.",
      parameters: [],
      responses: {
        200: toJson("An empty object.", { type: "object" }, ["Set-Cookie"]),
        ...toErrors([...TOKEN, "server_busy"]),
      },
    },
    toEvents(read),
  ];
}

function toReads({ errors, schemas }: { errors: readonly ErrorCode[]; schemas: DataSchemas }): DataOperation[] {
  const lists = ["uniqueIds", "limit", "cursor", "order"] as const;
  const failures = [...errors, "unique_id_invalid", "cursor_invalid", "server_busy"] as const;
  const unchanged = { description: "The record still has the version of `If-None-Match`.", headers: toHeaders(["ETag"]) };
  return [
    {
      method: "get",
      summary: "Read records.",
      description:
        "Every record in the order of creation, or those that are named. HEAD answers the same without a body. `dataOnly=true`, `jsonata=` and `fileOnly=true` have other answers: see the operations whose addresses end with `:data`, `:query` and `:file`.",
      parameters: [...lists, "ifNoneMatch"],
      responses: {
        200: toJson("The records.", toList(schemas.record), ["ETag", "Link"]),
        304: unchanged,
        ...toErrors(failures),
      },
    },
    {
      method: "get",
      form: "data",
      summary: "Read what records hold, without what is around it: the same as `dataOnly=true`.",
      parameters: [...lists, "ifNoneMatch"],
      responses: {
        200: toJson("The data of the records.", toList(schemas.data), ["ETag", "Link"]),
        304: unchanged,
        ...toErrors(failures),
      },
    },
    {
      method: "get",
      form: "query",
      summary: "Read what a JSONata expression makes of the records.",
      parameters: ["jsonata", "dataOnly", ...lists],
      responses: {
        200: toJson("The result: any JSON value; `null` where the expression selects nothing.", {}, ["Link"]),
        ...toErrors([...failures, "jsonata_invalid", "jsonata_limit"]),
      },
    },
  ];
}

function toEvents(errors: readonly ErrorCode[]): DataOperation {
  return {
    method: "get",
    form: "events",
    summary: "Listen to changes, as server-sent events.",
    description:
      "The answer does not end: read it as it comes, with an `EventSource` or the like. It is what a GET of the endpoint with `Accept: text/event-stream` is answered with.",
    parameters: ["since", "snapshot", "filter", "maxMessage", "lastEventId", "lastEventIdHeader"],
    responses: {
      200: {
        description: "Each event has a change as its data, and its place as its id.",
        content: { "text/event-stream": { schema: { type: "string" } } },
      },
      ...toErrors([...errors, "cursor_invalid", "jsonata_invalid", "jsonata_limit", "too_many_streams", "server_busy"]),
    },
  };
}

function toUpdate({ body, errors, schemas }: { body: ApiBody; errors: readonly ErrorCode[]; schemas: DataSchemas }): DataOperation {
  return {
    method: "put",
    summary: "Replace a record, or merge objects into it.",
    parameters: ["uniqueId", "strategy", "ifMatch"],
    requestBody: body,
    responses: {
      200: toJson("The record.", schemas.written, ["ETag"]),
      ...toErrors([...errors, ...ONE, "merge_needs_objects", "type_mismatch", ...WRITE]),
    },
  };
}

function toDelete({
  errors,
  headers = [],
  schemas,
}: {
  errors: readonly ErrorCode[];
  headers?: readonly DataHeader[];
  schemas: DataSchemas;
}): DataOperation {
  return {
    method: "delete",
    summary: "Delete a record.",
    parameters: ["uniqueId", "ifMatch"],
    responses: {
      200: toJson("The record in its last state.", schemas.written, ["ETag", ...headers]),
      ...toErrors([...errors, ...ONE, ...DELETE]),
    },
  };
}

/** Of each part that is a file the record's data: its name, type, size and hash, and the form's text parts. */
const FILE_TOKEN: JsonSchema = { $ref: "#/components/schemas/FileToken" };
const FILE_RECORD: JsonSchema = { $ref: "#/components/schemas/FileRecord" };
const BINARY: JsonSchema = { type: "string", format: "binary" };
/** Some generators know no ranges of types. */
const OCTETS = { "application/octet-stream": { schema: BINARY }, "*/*": { schema: BINARY } };
const UPLOAD: JsonSchema = { type: "object", required: ["file"], properties: { file: { ...BINARY, description: "At most 100 MB." } } };
const CREATED = ["ETag", "Idempotent-Replayed"] as const;

function toList(items: JsonSchema): { type: "array"; items: JsonSchema } {
  return { type: "array", items };
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
