/** Changes of fields in several records (G40, G41), as the management API and the dashboard exchange them. */
import * as z from "zod/mini";
import { FIELD_CHANGES_MAX, NAMED_RECORDS_MAX } from "../record-limits";
import { ENDPOINT_KINDS } from "../streams/protocol";
import { FILTER_LENGTH_MAX, FILTERS_MAX, SEARCH_LENGTH_MAX } from "../streams/record-filter";
import { gridRecordSchema } from "./schemas";

/** Records that one request changes; records that a preview shows. */
export const UPDATE_LIMIT_MAX = 200;
export const EDITED_RECORDS_MAX = 200;
export const PREVIEW_RECORDS = 10;

const UNIQUE_ID = "Use 32 lowercase hex digits.";
const uniqueId = z.string(UNIQUE_ID).check(z.regex(/^[0-9a-f]{32}$/, UNIQUE_ID));
const count = z.int().check(z.gte(0));
const text = (lengthMax: number) => z.string("Use a string.").check(z.maxLength(lengthMax, `Use ${lengthMax} characters at most.`));

/** Sets a field to a value, or removes it. */
export const fieldChangeSchema = z.strictObject({
  /** A path, as in filters. `$`: the whole data. */
  field: text(FILTER_LENGTH_MAX).check(z.minLength(1, "Enter a path, like user.name.")),
  /** Any JSON value. */
  value: z.optional(z.unknown()),
  remove: z.optional(z.literal(true, "Use true, or leave it out.")),
});
const changes = z
  .array(fieldChangeSchema, "Use a list of changes.")
  .check(z.minLength(1, "List at least one change."), z.maxLength(FIELD_CHANGES_MAX, `List at most ${FIELD_CHANGES_MAX} changes.`));

const LIMIT = `Use a whole number from 1 to ${UPDATE_LIMIT_MAX}.`;
/** POST endpoints/{id}/records/update. Changes the records that match, a batch in each request. */
export const recordsUpdateSchema = z.strictObject({
  changes,
  search: z.optional(text(SEARCH_LENGTH_MAX)),
  filter: z.optional(
    z.array(text(FILTER_LENGTH_MAX), "Use a list of filters.").check(z.maxLength(FILTERS_MAX, `Use ${FILTERS_MAX} filters at most.`)),
  ),
  uniqueIds: z.optional(
    z
      .array(uniqueId, "Use a list of uniqueIds.")
      .check(z.minLength(1, "List at least one record."), z.maxLength(NAMED_RECORDS_MAX, `List at most ${NAMED_RECORDS_MAX} records.`)),
  ),
  /** Records in this batch. Default: 100. */
  limit: z.optional(z.int(LIMIT).check(z.gte(1, LIMIT), z.lte(UPDATE_LIMIT_MAX, LIMIT))),
  /** The `next` of the batch before. */
  cursor: z.optional(z.string("Use the next of the batch before.")),
});

/** POST endpoints/{id}/records/update/preview. Changes nothing. */
export const recordsPreviewSchema = z.omit(recordsUpdateSchema, { limit: true, cursor: true });

/** Why a record was not changed. `fields`: by JSON pointer, for `schema_mismatch`. */
const editError = z.object({ code: z.string(), detail: z.string(), fields: z.optional(z.record(z.string(), z.string())) });
/** `unchanged`: records that already had these values. `next`: null after the last batch. */
export const recordsUpdatedSchema = z.object({
  updated: count,
  unchanged: count,
  failed: z.array(z.object({ uniqueId: z.string(), error: editError })),
  next: z.nullable(z.string()),
});
/** `matching`: null if counting takes too long. `first`: records that match, with their data before and after; `error` instead of `after` if it cannot be changed. */
export const recordsPreviewedSchema = z.object({
  matching: z.nullable(count),
  first: z.array(z.object({ uniqueId: z.string(), before: z.unknown(), after: z.optional(z.unknown()), error: z.nullable(editError) })),
});

/** POST endpoints/{id}/records/edit. Changes named records that still have a version. */
export const recordsEditSchema = z.strictObject({
  records: z
    .array(
      z.strictObject({
        uniqueId,
        version: z.int("Use the version of the record.").check(z.gte(1, "Use the version of the record.")),
        changes,
      }),
      "Use a list of records.",
    )
    .check(z.minLength(1, "List at least one record."), z.maxLength(EDITED_RECORDS_MAX, `List at most ${EDITED_RECORDS_MAX} records.`)),
});
/** In the order of the request. `record`: as it is now; null if it does not exist. */
export const recordsEditedSchema = z.object({
  results: z.array(
    z.object({
      uniqueId: z.string(),
      outcome: z.enum(["updated", "unchanged", "failed"]),
      record: z.nullable(gridRecordSchema),
      error: z.nullable(editError),
    }),
  ),
});

export type FieldChange = z.infer<typeof fieldChangeSchema>;
export type RecordsUpdate = z.infer<typeof recordsUpdateSchema>;
export type RecordsPreview = z.infer<typeof recordsPreviewSchema>;
export type RecordsUpdated = z.infer<typeof recordsUpdatedSchema>;
export type RecordsEdit = z.infer<typeof recordsEditSchema>;
export type EditError = z.infer<typeof editError>;

/** GET projects/{id}/records/{uniqueId}. */
export const recordPlaceSchema = z.object({
  uniqueId: z.string(),
  endpointId: z.string(),
  /** The endpoint's name. */
  endpoint: z.string(),
  kind: z.enum(ENDPOINT_KINDS),
});
export type RecordPlace = z.infer<typeof recordPlaceSchema>;
