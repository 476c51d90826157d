/** The management API's operations on an endpoint's records and log (G7), as its description lists them. */

import { EXPRESSION_LENGTH_MAX } from "@/src/shared/filters/filter-syntax";
import {
  CHANGES_LIMIT_MAX,
  changesSchema,
  exportSchema,
  gridRecordSchema,
  importCheckedSchema,
  importedSchema,
  PROJECT_PLACE_PATTERN,
  projectChangesSchema,
  recordSchema,
  recordsDeletedSchema,
  recordsDeleteSchema,
  schemaCheckedSchema,
  schemaCheckSchema,
  viewedPageSchema,
} from "@/src/shared/management/schemas";
import type { ApiBody, ApiParameter, JsonSchema } from "@/src/shared/openapi";
import { ANONYMOUS, CSV_DELIMITERS, EXPORT_FORMATS, GRID_LIMIT_MAX, NAMED_IN_QUERY_MAX, RECORD_ORDERS } from "@/src/shared/record-limits";
import { PUT_STRATEGIES } from "@/src/shared/streams/protocol";
import { FILTER_LENGTH_MAX, FILTERS_MAX, SEARCH_LENGTH_MAX } from "@/src/shared/streams/record-filter";
import { CHARSET_LENGTH_MAX } from "../../import/charset";
import { IMPORT_KINDS } from "../../import/import-kind";
import type { ManageOperation } from "./operation";

const RECORDS = "Records";

/** The errors that the rules of records throw for a body. */
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
  description: "The data of the record: any JSON value, or plain text.",
  required: true,
  content: { "application/json": { schema: {}, example: { hello: "world" } }, "text/plain": { schema: { type: "string" } } },
};

const FILES = {
  "application/json": { schema: {} },
  "application/x-ndjson": { schema: { type: "string" } },
  "text/csv": { schema: { type: "string" } },
};
/** For the last two, the first character of the file decides. */
const IMPORT_FILES = {
  ...FILES,
  "application/vnd.ms-excel": { schema: { type: "string" } },
  "application/octet-stream": { schema: { type: "string", format: "binary" } },
  "text/plain": { schema: { type: "string" } },
};

const query = (name: string, description: string, schema: JsonSchema): ApiParameter => ({ name, in: "query", description, schema });

const UNIQUE_ID: JsonSchema = { type: "string", pattern: "^[0-9a-f]{32}$" };
const SELECTION: readonly ApiParameter[] = [
  query("search", "Only records whose data or id contains this text.", {
    type: "string",
    maxLength: SEARCH_LENGTH_MAX,
    pattern: "^[^\\x00]*$",
  }),
  query("filter", "Only records whose data matches the filter. Several filters must all match.", {
    type: "array",
    items: { type: "string", minLength: 1, maxLength: FILTER_LENGTH_MAX },
    maxItems: FILTERS_MAX,
  }),
  query("uniqueId", "Only these records. Repeat the parameter, or separate the ids with commas.", {
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
    summary: "Get a page of records.",
    description:
      "With `viewAs`, the page has the records that the user would receive: judged by the access rules, the access function and the switches, without hidden fields, which `search` and `filter` do not see either. `viewedAs` of the response names the user. A page that has examined many records ends early, and can be empty.",
    query: [
      query("order", "By creation or update time; with `-`, newest first.", { type: "string", enum: RECORD_ORDERS, default: "-created" }),
      ...SELECTION,
      query("limit", "So many records at most.", { type: "integer", minimum: 1, maximum: GRID_LIMIT_MAX, default: 100 }),
      query("cursor", "`next` of the page before, in the same order.", { type: "string", minLength: 1 }),
      query("viewAs", "The `uniqueId` of a user of the project, or `anonymous`: only what that caller may read.", {
        type: "string",
        pattern: `^(?:[0-9a-f]{32}|${ANONYMOUS})$`,
      }),
    ],
    answer: { status: 200, description: "The page. `next` is the cursor of the next page.", schema: viewedPageSchema },
  },
  {
    id: "readRecord",
    method: "get",
    path: "endpoints/{id}/records/{uniqueId}",
    tag: RECORDS,
    summary: "Get a record.",
    answer: { status: 200, description: "The record. The `ETag` header contains its version.", schema: gridRecordSchema },
    errors: ["unique_id_invalid", "record_not_found"],
  },
  {
    id: "createRecord",
    method: "post",
    path: "endpoints/{id}/records",
    tag: RECORDS,
    summary: "Create a record.",
    body: RECORD_BODY,
    answer: { status: 201, description: "The record.", schema: recordSchema },
    errors: RECORD_BODY_ERRORS,
  },
  {
    id: "updateRecord",
    method: "put",
    path: "endpoints/{id}/records/{uniqueId}",
    tag: RECORDS,
    summary: "Replace a record, or merge an object into it.",
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
    summary: "Get the endpoint's log of changes, newest first.",
    query: [
      query("before", "Only changes with a smaller `seq`, the newest of them.", {
        type: "integer",
        minimum: 1,
        maximum: Number.MAX_SAFE_INTEGER,
      }),
      query("after", "Only changes with a larger `seq`, the oldest of them.", {
        type: "integer",
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
      }),
      query("time", "Only changes at or after this time, the oldest of them.", { type: "string", format: "date-time" }),
      query(
        "query",
        "Only changes that match this filter expression (G27). The search takes about a second at most, and `searched` states how far it came.",
        {
          type: "string",
          maxLength: EXPRESSION_LENGTH_MAX,
        },
      ),
      query("limit", "So many changes at most.", { type: "integer", minimum: 1, maximum: CHANGES_LIMIT_MAX, default: 100 }),
      query("recordId", "Only changes of this record.", UNIQUE_ID),
    ],
    answer: {
      status: 200,
      description:
        "A page of changes. If `more` is true, there are older changes, before the `seq` of the last one, or of a search before `searched.to`; with `after` or `time` newer ones.",
      schema: changesSchema,
    },
  },
  {
    id: "listProjectChanges",
    method: "get",
    path: "projects/{id}/changes",
    tag: RECORDS,
    summary: "Get the changes of all endpoints of a project as one log, newest first.",
    description:
      "Changes are ordered by time, endpoint and `seq`. The place of a change is `<at>_<endpointId>_<seq>`; a time alone is the place before all changes of that time.",
    query: [
      query("before", "Only changes before this place, the newest of them.", { type: "string", pattern: PROJECT_PLACE_PATTERN }),
      query("after", "Only changes after this place, the oldest of them.", { type: "string", pattern: PROJECT_PLACE_PATTERN }),
      query(
        "query",
        "Only changes that match this filter expression (G27), in which `endpoint:` names endpoints. The search takes about a second at most, and `searched` states how far it came.",
        { type: "string", maxLength: EXPRESSION_LENGTH_MAX },
      ),
      query("limit", "So many changes at most.", { type: "integer", minimum: 1, maximum: CHANGES_LIMIT_MAX, default: 100 }),
    ],
    answer: {
      status: 200,
      description:
        "A page of changes. If `more` is true, the next page is before the place of the last one, or of a search before `searched.to`; with `after`, after the place of the first one.",
      schema: projectChangesSchema,
    },
  },
  {
    id: "deleteRecords",
    method: "post",
    path: "endpoints/{id}/records/delete",
    tag: RECORDS,
    summary: "Delete several records in one transaction.",
    body: recordsDeleteSchema,
    answer: { status: 200, description: "The number of deleted records.", schema: recordsDeletedSchema },
    errors: ["server_busy"],
  },
  {
    id: "exportRecords",
    method: "get",
    path: "endpoints/{id}/export",
    tag: RECORDS,
    summary: "Export records as a file.",
    query: [
      { ...query("format", "The form of the file.", { type: "string", enum: EXPORT_FORMATS }), required: true },
      query("delimiter", "Of the cells of CSV.", { type: "string", enum: CSV_DELIMITERS, default: "comma" }),
      query("bom", "Start CSV with a byte order mark, so that Excel reads it as UTF-8.", { type: "boolean", default: false }),
      query("order", "By creation or update time; with `-`, newest first.", { type: "string", enum: RECORD_ORDERS, default: "created" }),
      ...SELECTION,
    ],
    answer: { status: 200, description: "The file.", schema: FILES },
  },
  {
    id: "exportNamedRecords",
    method: "post",
    path: "endpoints/{id}/export",
    tag: RECORDS,
    summary: "Export selected records as a file.",
    body: exportSchema,
    answer: { status: 200, description: "The file.", schema: FILES },
  },
  {
    id: "importRecords",
    method: "post",
    path: "endpoints/{id}/import",
    tag: RECORDS,
    summary: "Import the records of a file, all or none.",
    query: [
      query("check", "Store nothing, and respond with 200 and a preview.", { type: "boolean", default: false }),
      query("format", "The format of the file. Default: by the content type, or by the first character of the file.", {
        type: "string",
        enum: IMPORT_KINDS,
      }),
      query("charset", "The encoding of the file, e.g. windows-1252. Default: as declared by the file or the content type.", {
        type: "string",
        minLength: 1,
        maxLength: CHARSET_LENGTH_MAX,
      }),
    ],
    body: { required: true, description: "A JSON array, one JSON value per line, or CSV with a header row.", content: IMPORT_FILES },
    answer: { status: 201, description: "The number of stored records.", schema: importedSchema },
    otherAnswer: {
      status: 200,
      description: "With `check=true`: the number of records, the first ones, and the encoding of the file.",
      schema: importCheckedSchema,
    },
    errors: RECORD_BODY_ERRORS,
  },
  {
    id: "checkSchema",
    method: "post",
    path: "endpoints/{id}/schema-check",
    tag: RECORDS,
    summary: "Check a body against a JSON Schema. Nothing is stored.",
    body: schemaCheckSchema,
    answer: { status: 200, description: "Whether the body matches, and the problems by JSON pointer.", schema: schemaCheckedSchema },
    errors: ["schema_limit", "server_busy"],
  },
];
