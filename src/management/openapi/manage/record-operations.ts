/** The management API's operations on an endpoint's records and log (G7), as its description lists them. */
import {
  CHANGES_LIMIT_MAX,
  changesSchema,
  exportSchema,
  gridPageSchema,
  gridRecordSchema,
  importCheckedSchema,
  importedSchema,
  recordSchema,
  recordsDeletedSchema,
  recordsDeleteSchema,
  schemaCheckedSchema,
  schemaCheckSchema,
} from "@/src/shared/management/schemas";
import type { ApiBody, ApiParameter, JsonSchema } from "@/src/shared/openapi";
import { CSV_DELIMITERS, EXPORT_FORMATS, GRID_LIMIT_MAX, NAMED_IN_QUERY_MAX, RECORD_ORDERS } from "@/src/shared/record-limits";
import { PUT_STRATEGIES } from "@/src/shared/streams/protocol";
import { FILTER_LENGTH_MAX, FILTERS_MAX, SEARCH_LENGTH_MAX } from "@/src/shared/streams/record-filter";
import { CHARSET_LENGTH_MAX } from "../../import/charset";
import { IMPORT_KINDS } from "../../import/import-kind";
import type { ManageOperation } from "./operation";

const RECORDS = "Records";

/** What the rules of records raise of a body. */
const RECORD_BODY_ERRORS = [
  "content_type_unsupported",
  "content_encoding_unsupported",
  "body_empty",
  "body_invalid",
  "body_too_large",
  "request_invalid",
  "schema_mismatch",
  "schema_limit",
  "server_busy",
  "quota_exceeded",
] as const;

const RECORD_BODY: ApiBody = {
  description: "What the record holds: any JSON value, or a text.",
  required: true,
  content: { "application/json": { schema: {}, example: { hello: "world" } }, "text/plain": { schema: { type: "string" } } },
};

const FILES = {
  "application/json": { schema: {} },
  "application/x-ndjson": { schema: { type: "string" } },
  "text/csv": { schema: { type: "string" } },
};
/** The last two: the file's first character says what it is. */
const IMPORT_FILES = {
  ...FILES,
  "application/vnd.ms-excel": { schema: { type: "string" } },
  "application/octet-stream": { schema: { type: "string", format: "binary" } },
  "text/plain": { schema: { type: "string" } },
};

const query = (name: string, description: string, schema: JsonSchema): ApiParameter => ({ name, in: "query", description, schema });

const UNIQUE_ID: JsonSchema = { type: "string", pattern: "^[0-9a-f]{32}$" };
const SELECTION: readonly ApiParameter[] = [
  query("search", "Only records with this text in their data or id.", {
    type: "string",
    maxLength: SEARCH_LENGTH_MAX,
    pattern: "^[^\\x00]*$",
  }),
  query("filter", "Only records whose data satisfies it. With several filters: all of them.", {
    type: "array",
    items: { type: "string", minLength: 1, maxLength: FILTER_LENGTH_MAX },
    maxItems: FILTERS_MAX,
  }),
  query("uniqueId", "Only these records. Repeat the parameter, or separate the ids by commas.", {
    type: "array",
    items: UNIQUE_ID,
    minItems: 1,
    maxItems: NAMED_IN_QUERY_MAX,
  }),
];

const IF_MATCH: ApiParameter = {
  name: "If-Match",
  in: "header",
  description: 'Only if the record has this version: the `ETag` of a response, like `"3"`.',
  schema: { type: "string" },
};

export const RECORD_OPERATIONS: readonly ManageOperation[] = [
  {
    id: "listRecords",
    method: "get",
    path: "endpoints/{id}/records",
    tag: RECORDS,
    summary: "Read a page of records.",
    query: [
      query("order", "By creation or by update; with `-` the latest first.", { type: "string", enum: RECORD_ORDERS, default: "-created" }),
      ...SELECTION,
      query("limit", "So many records at most.", { type: "integer", minimum: 1, maximum: GRID_LIMIT_MAX, default: 100 }),
      query("cursor", "`next` of the page before, in the same order.", { type: "string", minLength: 1 }),
    ],
    answer: { status: 200, description: "The page; `next` leads to the next one.", schema: gridPageSchema },
  },
  {
    id: "readRecord",
    method: "get",
    path: "endpoints/{id}/records/{uniqueId}",
    tag: RECORDS,
    summary: "Read a record.",
    answer: { status: 200, description: "The record. `ETag` has its version.", schema: gridRecordSchema },
    errors: ["unique_id_invalid", "record_not_found"],
  },
  {
    id: "createRecord",
    method: "post",
    path: "endpoints/{id}/records",
    tag: RECORDS,
    summary: "Store a record, as the endpoint's owner.",
    body: RECORD_BODY,
    answer: { status: 201, description: "The record.", schema: recordSchema },
    errors: RECORD_BODY_ERRORS,
  },
  {
    id: "updateRecord",
    method: "put",
    path: "endpoints/{id}/records/{uniqueId}",
    tag: RECORDS,
    summary: "Replace a record, or merge objects into it.",
    query: [
      query("strategy", "`force` replaces whatever the type, `merge` deep-merges objects, `replace` keeps the content type.", {
        type: "string",
        enum: PUT_STRATEGIES,
        default: "force",
      }),
    ],
    headers: [IF_MATCH],
    body: RECORD_BODY,
    answer: { status: 200, description: "The record.", schema: recordSchema },
    errors: [...RECORD_BODY_ERRORS, "unique_id_invalid", "record_not_found", "version_conflict", "merge_needs_objects", "type_mismatch"],
  },
  {
    id: "deleteRecord",
    method: "delete",
    path: "endpoints/{id}/records/{uniqueId}",
    tag: RECORDS,
    summary: "Delete a record.",
    headers: [IF_MATCH],
    answer: { status: 200, description: "The record in its last state.", schema: recordSchema },
    errors: ["unique_id_invalid", "record_not_found", "version_conflict", "server_busy"],
  },
  {
    id: "listChanges",
    method: "get",
    path: "endpoints/{id}/changes",
    tag: RECORDS,
    summary: "Read the endpoint's log of changes, the newest first.",
    query: [
      query("before", "Only changes with a smaller `seq`.", { type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
      query("limit", "So many changes at most.", { type: "integer", minimum: 1, maximum: CHANGES_LIMIT_MAX, default: 100 }),
      query("recordId", "Only changes of this record.", UNIQUE_ID),
    ],
    answer: {
      status: 200,
      description: "A page of changes; `more`: there are older ones, before the last one's `seq`.",
      schema: changesSchema,
    },
  },
  {
    id: "deleteRecords",
    method: "post",
    path: "endpoints/{id}/records/delete",
    tag: RECORDS,
    summary: "Delete several records together.",
    body: recordsDeleteSchema,
    answer: { status: 200, description: "How many were still there.", schema: recordsDeletedSchema },
    errors: ["server_busy"],
  },
  {
    id: "exportRecords",
    method: "get",
    path: "endpoints/{id}/export",
    tag: RECORDS,
    summary: "Read records as a file.",
    query: [
      { ...query("format", "The form of the file.", { type: "string", enum: EXPORT_FORMATS }), required: true },
      query("delimiter", "Of the cells of CSV.", { type: "string", enum: CSV_DELIMITERS, default: "comma" }),
      query("bom", "Begin CSV with a byte order mark, so that Excel reads it as UTF-8.", { type: "boolean", default: false }),
      query("order", "By creation or by update; with `-` the latest first.", { type: "string", enum: RECORD_ORDERS, default: "created" }),
      ...SELECTION,
    ],
    answer: { status: 200, description: "The file.", schema: FILES },
  },
  {
    id: "exportNamedRecords",
    method: "post",
    path: "endpoints/{id}/export",
    tag: RECORDS,
    summary: "Read the named records as a file.",
    body: exportSchema,
    answer: { status: 200, description: "The file.", schema: FILES },
  },
  {
    id: "importRecords",
    method: "post",
    path: "endpoints/{id}/import",
    tag: RECORDS,
    summary: "Store the records of a file, all or none.",
    query: [
      query("check", "Store nothing: answer 200 and what would become of the file.", { type: "boolean", default: false }),
      query("format", "What the file is. Default: as the content type says, or the file's first character.", {
        type: "string",
        enum: IMPORT_KINDS,
      }),
      query("charset", "The file's encoding, e.g. windows-1252. Default: as the file or the content type says.", {
        type: "string",
        minLength: 1,
        maxLength: CHARSET_LENGTH_MAX,
      }),
    ],
    body: { required: true, description: "A JSON array, one JSON value a line, or CSV with a line of names.", content: IMPORT_FILES },
    answer: { status: 201, description: "How many were stored.", schema: importedSchema },
    otherAnswer: {
      status: 200,
      description: "With `check=true`: how many there are, the first of them, and the file's encoding.",
      schema: importCheckedSchema,
    },
    errors: RECORD_BODY_ERRORS,
  },
  {
    id: "checkSchema",
    method: "post",
    path: "endpoints/{id}/schema-check",
    tag: RECORDS,
    summary: "Try a JSON Schema on a body. Nothing is stored.",
    body: schemaCheckSchema,
    answer: { status: 200, description: "Whether it matches, and what is wrong by JSON pointer.", schema: schemaCheckedSchema },
    errors: ["schema_limit", "server_busy"],
  },
];
