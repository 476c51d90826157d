/** The management API's operations on files (G15), as its description lists them. */
import { recordSchema } from "@/src/shared/management/schemas";
import type { ManageOperation } from "./operation";

const RECORDS = "Records";
const FILE = { "application/octet-stream": { schema: { description: "The file, with its own content type." } } };

export const FILE_OPERATIONS: readonly ManageOperation[] = [
  {
    id: "createFile",
    method: "post",
    path: "endpoints/{id}/files",
    tag: RECORDS,
    summary: "Upload a file. A record that describes it is created.",
    query: [{ name: "name", in: "query", description: "The name of the file.", schema: { type: "string" } }],
    body: { required: true, description: "The file. The content type of the request is the type of the file.", content: FILE },
    answer: { status: 201, description: "The record.", schema: recordSchema },
    errors: [
      "quota_exceeded",
      "upload_invalid",
      "file_too_large",
      "body_timeout",
      "schema_mismatch",
      "schema_limit",
      "request_invalid",
      "content_encoding_unsupported",
      "body_invalid",
      "body_too_large",
      "storage_unavailable",
      "server_busy",
    ],
  },
  {
    id: "readFile",
    method: "get",
    path: "endpoints/{id}/files/{uniqueId}",
    tag: RECORDS,
    summary: "Download the file of a record.",
    headers: [
      { name: "Range", in: "header", description: "The bytes of the file to return, e.g. `bytes=0-1023`.", schema: { type: "string" } },
      { name: "If-None-Match", in: "header", description: "304 if the file has this `ETag`.", schema: { type: "string" } },
    ],
    answer: { status: 200, description: "The file.", schema: FILE },
    otherAnswer: { status: 206, description: "The part of the file selected by `Range`.", schema: FILE },
    notModified: "The file has the `ETag` of `If-None-Match`.",
    errors: ["unique_id_invalid", "record_not_found", "not_a_file", "range_not_satisfiable", "storage_unavailable"],
  },
];
