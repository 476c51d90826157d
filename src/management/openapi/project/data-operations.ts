/** The operations of a data plane endpoint for descriptions, by its kind, schema and security. */

import type { ErrorCode } from "@/src/shared/errors";
import type { ManagedEndpoint } from "@/src/shared/management/schemas";
import type { ApiBody, ApiMedia, ApiOperation, ApiResponse, HttpMethod, JsonSchema } from "@/src/shared/openapi";
import type { DataForm } from "@/src/shared/streams/data-path";
import { BULK_ITEMS_MAX } from "@/src/shared/streams/protocol";
import type { DataHeader, DataParameter } from "./data-parameters";
import { BODY, CREDENTIALS, DELETE, toErrors, toHeaders, toJson, WRITE } from "./data-responses";
import type { DataSchemas } from "./data-schemas";
import { toUserEmailOperations } from "./user-email-operations";

/**
 * An operation without what its endpoint adds: id, tag and security. Each operation has one type of response. A parameter that would change the type
 * is an operation of its own, at the address that ends with `form` (U17).
 */
export interface DataOperation extends Pick<ApiOperation, "summary" | "description" | "requestBody"> {
  method: HttpMethod;
  form?: DataForm;
  parameters: readonly DataParameter[];
  responses: Record<string, ApiResponse>;
}

type Described = Pick<ManagedEndpoint, "kind" | "secure" | "schema"> & Partial<Pick<ManagedEndpoint, "rules" | "accessFunction">>;

const TOKEN: readonly ErrorCode[] = ["access_token_missing", "access_token_invalid"];
const ONE: readonly ErrorCode[] = ["unique_id_missing", "unique_id_invalid", "record_not_found", "version_conflict"];
const ONCE: readonly ErrorCode[] = ["idempotency_key_invalid", "idempotency_key_reused"];
const FILES: readonly ErrorCode[] = ["upload_invalid", "too_many_files", "file_too_large", "storage_unavailable"];
const ONE_FILE: readonly ErrorCode[] = ["unique_id_missing", "unique_id_invalid", "record_not_found", "not_a_file"];

/** True if access rules or an access function decide about each record (S7, S8). */
export function isJudged({ rules, accessFunction }: Partial<Pick<ManagedEndpoint, "rules" | "accessFunction">>): boolean {
  return rules != null || accessFunction != null;
}

/** Returns the operations in display order. */
export function toDataOperations(endpoint: Described, schemas: DataSchemas): DataOperation[] {
  switch (endpoint.kind) {
    case "authentication":
      return toUserOperations(endpoint, schemas);
    case "email":
      return toEmailOperations(endpoint, schemas);
    case "data":
      return toRecordOperations(endpoint, schemas);
  }
}

function toRecordOperations(endpoint: Described, schemas: DataSchemas): DataOperation[] {
  const access = endpoint.secure ? TOKEN : [];
  const ofJudges = toJudgeErrors(endpoint);
  const ofOthers: readonly ErrorCode[] = endpoint.secure ? ["access_denied", ...ofJudges] : ofJudges;
  const ofSchema: readonly ErrorCode[] = endpoint.schema === null ? [] : ["schema_mismatch", "schema_limit"];
  const example = endpoint.schema === null ? { example: { hello: "world" } } : {};
  const bodies: Record<string, ApiMedia> = {
    "application/json": { schema: schemas.data, ...example },
    "text/plain": { schema: { type: "string", minLength: 1 } },
  };
  const created = [...access, ...ofJudges, ...BODY, ...ofSchema, ...ONCE, ...WRITE];
  const read = [...access, ...ofOthers];
  // A caller may create a record that it may not read.
  const shown = isJudged(endpoint) ? schemas.written : schemas.record;
  return [
    ...toReads({ errors: read, schemas }),
    {
      method: "post",
      summary: "Create a record from any JSON value, or plain text.",
      parameters: ["idempotencyKey"],
      requestBody: { required: true, description: "The data of the record.", content: bodies },
      responses: { 201: toJson("The record.", shown, CREATED), ...toErrors(created) },
    },
    toUpdate({
      body: {
        required: true,
        description: "The new data of the record, or the object to merge.",
        content: { ...bodies, "application/json": { schema: schemas.visible, ...example } },
      },
      errors: [...read, ...BODY, ...ofSchema],
      schemas,
    }),
    toDelete({ errors: read, schemas }),
    {
      method: "post",
      form: "bulk",
      summary: "Create several records, all or none.",
      parameters: ["idempotencyKey"],
      requestBody: {
        required: true,
        description: "An array with one item per record.",
        content: { "application/json": { schema: { ...toList(schemas.data), maxItems: BULK_ITEMS_MAX } } },
      },
      responses: {
        201: toJson("The records, in the order of the items.", toList(shown), CREATED),
        ...toErrors(["bulk_needs_array", ...created]),
      },
    },
    {
      method: "get",
      form: "file",
      summary: "Download the file of a record.",
      parameters: ["uniqueId", "fileToken", "range", "ifNoneMatch"],
      responses: {
        200: { description: "The file, with its own content type.", headers: toHeaders(["ETag"]), content: OCTETS },
        206: { description: "The part of the file selected by `Range`.", headers: toHeaders(["ETag"]), content: OCTETS },
        304: { description: "The file still matches `If-None-Match`.", headers: toHeaders(["ETag"]) },
        ...toErrors([...read, ...ONE_FILE, "file_token_invalid", "range_not_satisfiable", "storage_unavailable", "server_busy"]),
      },
    },
    {
      method: "post",
      form: "file",
      summary: "Upload a file. A record that describes it is created.",
      description:
        "Text parts become `metadata` in the record’s data. A form with several parts named `file` creates a record for each, and the response is an array.",
      parameters: ["idempotencyKey"],
      requestBody: { required: true, content: { "multipart/form-data": { schema: UPLOAD } } },
      responses: {
        201: toJson("The record.", isJudged(endpoint) ? schemas.fileWritten : schemas.fileRecord, CREATED),
        ...toErrors([...created, ...FILES]),
      },
    },
    {
      method: "post",
      form: "fileToken",
      summary: "Create a temporary URL for the file of a record.",
      description: "For `<img>` and `<video>`, which cannot send an access token.",
      parameters: ["uniqueId", "expiresIn"],
      responses: { 201: toJson("The URL, and its token.", FILE_TOKEN), ...toErrors([...read, ...ONE_FILE, "server_busy"]) },
    },
    toEvents(read, endpoint),
  ];
}

/** The errors of access rules (S7) and access functions (S8). */
function toJudgeErrors({ rules, accessFunction }: Partial<Pick<ManagedEndpoint, "rules" | "accessFunction">>): readonly ErrorCode[] {
  // A token that is sent must be valid.
  const judged: readonly ErrorCode[] = ["access_denied", "access_token_invalid"];
  if (accessFunction != null) return [...judged, "access_function_failed", "rate_limited", "server_busy"];
  return rules == null ? [] : judged;
}

function toEmailOperations({ secure }: Described, schemas: DataSchemas): DataOperation[] {
  const read: readonly ErrorCode[] = secure ? [...TOKEN, "access_denied"] : [];
  const message: ApiMedia = {
    schema: { $ref: "#/components/schemas/EmailMessage" },
    example: { to: "ada@example.com", subject: "Hello", text: "Hello, Ada!" },
  };
  const refused = ["fields_invalid", "email_not_configured", "recipient_not_allowed", "sender_not_allowed", "access_denied"] as const;
  return [
    ...toReads({ errors: read, schemas }),
    {
      method: "post",
      summary: "Send an e-mail. The record shows its delivery.",
      description:
        "The mail is queued, and the record changes with each step of its delivery: `queued`, `sending`, `sent` or `failed`. The project's e-mail configuration decides who may receive it.",
      parameters: ["idempotencyKey"],
      requestBody: { required: true, description: "The mail.", content: { "application/json": message } },
      responses: {
        201: toJson("The record of the mail.", schemas.record, CREATED),
        ...toErrors([...(secure ? TOKEN : []), ...BODY, ...refused, ...ONCE, ...WRITE]),
      },
    },
    toDelete({ errors: read, schemas }),
    toEvents(read),
  ];
}

/** Accounts are always protected: reading, changing and deleting them needs a token, regardless of the access settings. */
function toUserOperations({ schema, ...endpoint }: Described, schemas: DataSchemas): DataOperation[] {
  const ofSchema: readonly ErrorCode[] = schema === null ? [] : ["schema_mismatch", "schema_limit"];
  const ofJudges = toJudgeErrors(endpoint);
  const read: readonly ErrorCode[] = [...TOKEN, "access_denied", ...ofJudges];
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
        201: toJson("The user.", isJudged(endpoint) ? schemas.written : schemas.record, ["ETag"]),
        ...toErrors([...ofJudges, ...BODY, ...ofSchema, ...CREDENTIALS, "username_taken", ...WRITE]),
      },
    },
    toUpdate({
      body: { required: true, content: { "application/json": { schema: { $ref: "#/components/schemas/UserPatch" } } } },
      errors: [...read, ...BODY, ...ofSchema, "credentials_invalid", "username_taken", "current_password_wrong"],
      schemas,
    }),
    // A user deletes its own account, so its cookie is cleared.
    toDelete({ errors: read, headers: ["Set-Cookie"], schemas }),
    {
      method: "post",
      form: "login",
      summary: "Log a user in. The response contains an access token, as a cookie unless `noATCookie` is set.",
      parameters: ["noATCookie"],
      requestBody: credentials,
      responses: {
        200: toJson("The user.", schemas.written, ["ETag", "Authorization", "Set-Cookie"]),
        ...toErrors([...BODY, ...CREDENTIALS, "login_failed", "email_not_verified", "cookie_origin_not_listed", ...WRITE]),
      },
    },
    {
      method: "post",
      form: "logout",
      summary: "Log a user out. The access token of the request is revoked.",
      parameters: [],
      responses: {
        200: toJson("An empty object.", { type: "object" }, ["Set-Cookie"]),
        ...toErrors([...TOKEN, "server_busy"]),
      },
    },
    ...toUserEmailOperations(schemas),
    toEvents(read, endpoint),
  ];
}

function toReads({ errors, schemas }: { errors: readonly ErrorCode[]; schemas: DataSchemas }): DataOperation[] {
  const lists = ["uniqueIds", "limit", "cursor", "order"] as const;
  const failures = [...errors, "unique_id_invalid", "cursor_invalid", "server_busy"] as const;
  const unchanged = { description: "The record still matches `If-None-Match`.", headers: toHeaders(["ETag"]) };
  return [
    {
      method: "get",
      summary: "Get records.",
      description:
        "Returns all records in creation order, or those named by `uniqueId`. HEAD responds without a body. `dataOnly=true`, `jsonata=` and `fileOnly=true` have other response types: see the operations whose addresses end with `:data`, `:query` and `:file`.",
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
      summary: "Get only the data of records, like `dataOnly=true`.",
      parameters: [...lists, "ifNoneMatch"],
      responses: {
        200: toJson("The data of the records.", toList(schemas.visible), ["ETag", "Link"]),
        304: unchanged,
        ...toErrors(failures),
      },
    },
    {
      method: "get",
      form: "query",
      summary: "Evaluate a JSONata expression on the records.",
      parameters: ["jsonata", "dataOnly", ...lists],
      responses: {
        200: toJson("The result, any JSON value. `null` if the expression selects nothing.", {}, ["Link"]),
        ...toErrors([...failures, "jsonata_invalid", "jsonata_limit"]),
      },
    },
  ];
}

function toEvents(errors: readonly ErrorCode[], endpoint: Partial<Pick<ManagedEndpoint, "rules" | "accessFunction">> = {}): DataOperation {
  const ending = isJudged(endpoint)
    ? " It has only what the caller may read. When that can have changed, an event `close` has the code 1000 and the reason of `access_changed`, and the response ends: connect again with the last cursor."
    : "";
  return {
    method: "get",
    form: "events",
    summary: "Subscribe to changes as server-sent events.",
    description:
      "The response does not end. Read it as it arrives, e.g. with an `EventSource`. A GET of the endpoint with `Accept: text/event-stream` has the same response." +
      ending,
    parameters: ["since", "snapshot", "filter", "maxMessage", "lastEventId", "lastEventIdHeader"],
    responses: {
      200: {
        description: "The data of each event is a change. Its id is the position in the log.",
        content: { "text/event-stream": { schema: { type: "string" } } },
      },
      ...toErrors([...errors, "cursor_invalid", "jsonata_invalid", "jsonata_limit", "too_many_streams", "server_busy"]),
    },
  };
}

function toUpdate({ body, errors, schemas }: { body: ApiBody; errors: readonly ErrorCode[]; schemas: DataSchemas }): DataOperation {
  return {
    method: "put",
    summary: "Replace a record, or merge an object into it.",
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

const FILE_TOKEN: JsonSchema = { $ref: "#/components/schemas/FileToken" };
const BINARY: JsonSchema = { type: "string", format: "binary" };
/** Some generators do not support media type ranges. */
const OCTETS = { "application/octet-stream": { schema: BINARY }, "*/*": { schema: BINARY } };
const UPLOAD: JsonSchema = { type: "object", required: ["file"], properties: { file: { ...BINARY, description: "At most 100 MB." } } };
const CREATED = ["ETag", "Idempotent-Replayed"] as const;

function toList(items: JsonSchema): { type: "array"; items: JsonSchema } {
  return { type: "array", items };
}
