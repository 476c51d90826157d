/** The management API's operations that change several records, and those on saved views (G40-G43), as its description lists them. */
import {
  recordPlaceSchema,
  recordsEditedSchema,
  recordsEditSchema,
  recordsPreviewedSchema,
  recordsPreviewSchema,
  recordsUpdatedSchema,
  recordsUpdateSchema,
} from "@/src/shared/management/record-edits";
import { recordViewCreateSchema, recordViewPatchSchema, recordViewSchema } from "@/src/shared/management/record-views";
import type { ManageOperation } from "./operation";

const RECORDS = "Records";
const FIELDS = 'A field is a path, as in filters: `user.name`, `tags[0]`, `["odd key"]`, or `$` for the whole data.';
const ERRORS = ["schema_limit", "server_busy", "quota_exceeded"] as const;

export const RECORD_EDIT_OPERATIONS: readonly ManageOperation[] = [
  {
    id: "updateRecords",
    method: "post",
    path: "endpoints/{id}/records/update",
    tag: RECORDS,
    summary: "Set or remove fields of all records that match, a batch in each request.",
    description: `${FIELDS} Send the same request with \`cursor\` set to \`next\` until \`next\` is null. Records that cannot be changed are listed, and do not affect the others.`,
    body: recordsUpdateSchema,
    answer: { status: 200, description: "What the batch did.", schema: recordsUpdatedSchema },
    errors: ERRORS,
  },
  {
    id: "previewRecordsUpdate",
    method: "post",
    path: "endpoints/{id}/records/update/preview",
    tag: RECORDS,
    summary: "Count the records that an update would change, and get the first ones before and after. Nothing is changed.",
    description: FIELDS,
    body: recordsPreviewSchema,
    answer: { status: 200, description: "The number of records, and the first ones.", schema: recordsPreviewedSchema },
    errors: ERRORS,
  },
  {
    id: "editRecords",
    method: "post",
    path: "endpoints/{id}/records/edit",
    tag: RECORDS,
    summary: "Set or remove fields of several records, each only if it still has its version.",
    description: FIELDS,
    body: recordsEditSchema,
    answer: { status: 200, description: "The result for each record, in the order of the request.", schema: recordsEditedSchema },
    errors: ERRORS,
  },
  {
    id: "locateRecord",
    method: "get",
    path: "projects/{id}/records/{uniqueId}",
    tag: RECORDS,
    summary: "Find the endpoint of a record by its id.",
    answer: { status: 200, description: "The endpoint.", schema: recordPlaceSchema },
    errors: ["unique_id_invalid", "record_not_found"],
  },
  {
    id: "listViews",
    method: "get",
    path: "endpoints/{id}/views",
    tag: RECORDS,
    summary: "List the saved views of an endpoint's records, by name.",
    answer: { status: 200, description: "The views.", schema: recordViewSchema, isList: true },
  },
  {
    id: "createView",
    method: "post",
    path: "endpoints/{id}/views",
    tag: RECORDS,
    summary: "Save a view: search, filters, order and columns.",
    body: recordViewCreateSchema,
    answer: { status: 201, description: "The view.", schema: recordViewSchema },
    errors: ["name_taken", "quota_exceeded"],
  },
  {
    id: "updateView",
    method: "patch",
    path: "endpoints/{id}/views/{viewId}",
    tag: RECORDS,
    summary: "Change a saved view.",
    body: recordViewPatchSchema,
    answer: { status: 200, description: "The view.", schema: recordViewSchema },
    errors: ["name_taken"],
  },
  { id: "deleteView", method: "delete", path: "endpoints/{id}/views/{viewId}", tag: RECORDS, summary: "Delete a saved view." },
];
