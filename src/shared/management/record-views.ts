/** Saved views of an endpoint's records (G42), as the management API and the dashboard exchange them. */
import * as z from "zod/mini";
import { RECORD_ORDERS } from "../record-limits";
import { FILTER_LENGTH_MAX, FILTERS_MAX, SEARCH_LENGTH_MAX } from "../streams/record-filter";

export const VIEWS_PER_ENDPOINT_MAX = 50;
export const VIEW_NAME_LENGTH_MAX = 60;
export const VIEW_COLUMNS_MAX = 60;
/** The width of a column, in pixels. */
export const COLUMN_WIDTH = { min: 48, max: 800 } as const;
export const TIME_COLUMNS = ["created", "updated"] as const;

const text = (lengthMax: number) => z.string("Use a string.").check(z.maxLength(lengthMax, `Use ${lengthMax} characters at most.`));
const WIDTH = `Use a whole number of pixels, from ${COLUMN_WIDTH.min} to ${COLUMN_WIDTH.max}.`;
const width = z.int(WIDTH).check(z.gte(COLUMN_WIDTH.min, WIDTH), z.lte(COLUMN_WIDTH.max, WIDTH));
const column = z.strictObject({
  /** Keys from the outside in. Empty: the whole data. */
  path: z.array(text(FILTER_LENGTH_MAX), "Use a list of keys.").check(z.maxLength(50, "Use 50 keys at most.")),
  /** In pixels. Absent: as wide as there is room. */
  width: z.optional(width),
});
const name = z
  .string("Use a string.")
  .check(
    z.trim(),
    z.minLength(1, "Enter a name."),
    z.maxLength(VIEW_NAME_LENGTH_MAX, `Use ${VIEW_NAME_LENGTH_MAX} characters at most.`),
    z.regex(/^[^\p{Cc}\p{Cs}]*$/u, "Remove control characters."),
  );

/** POST endpoints/{id}/views. Absent fields: no search, no filters, the default order, and the most common keys. */
export const recordViewCreateSchema = z.strictObject({
  name,
  search: z.optional(text(SEARCH_LENGTH_MAX)),
  filter: z.optional(
    z.array(text(FILTER_LENGTH_MAX), "Use a list of filters.").check(z.maxLength(FILTERS_MAX, `Use ${FILTERS_MAX} filters at most.`)),
  ),
  order: z.optional(z.enum(RECORD_ORDERS, `Use one of: ${RECORD_ORDERS.join(", ")}.`)),
  /** Null: the most common keys. */
  columns: z.optional(
    z.nullable(
      z.array(column, "Use a list of columns, or null.").check(z.maxLength(VIEW_COLUMNS_MAX, `Use ${VIEW_COLUMNS_MAX} columns at most.`)),
    ),
  ),
  /** The columns of times that are not shown. */
  hidden: z.optional(
    z
      .array(z.enum(TIME_COLUMNS, `Use ${TIME_COLUMNS.join(" or ")}.`), "Use a list.")
      .check(z.maxLength(TIME_COLUMNS.length, `Use ${TIME_COLUMNS.length} at most.`)),
  ),
});
/** PATCH endpoints/{id}/views/{viewId}. Absent fields stay. */
export const recordViewPatchSchema = z.partial(recordViewCreateSchema);

export const recordViewSchema = z.object({
  id: z.string(),
  name: z.string(),
  search: z.string(),
  filter: z.array(z.string()),
  order: z.enum(RECORD_ORDERS),
  columns: z.nullable(z.array(z.object({ path: z.array(z.string()), width: z.optional(z.int()) }))),
  hidden: z.array(z.enum(TIME_COLUMNS)),
  createdAt: z.iso.datetime({ offset: true }),
  updatedAt: z.iso.datetime({ offset: true }),
});

/** The part of a view that is stored as JSON. */
export const storedViewSchema = z.pick(recordViewSchema, { search: true, filter: true, order: true, columns: true, hidden: true });

export type RecordViewInput = z.infer<typeof recordViewCreateSchema>;
export type RecordViewPatch = z.infer<typeof recordViewPatchSchema>;
export type RecordView = z.infer<typeof recordViewSchema>;
export type StoredView = z.infer<typeof storedViewSchema>;
