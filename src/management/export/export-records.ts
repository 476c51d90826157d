/** Exports an endpoint's records as JSON, NDJSON or CSV (G14). One page is held in memory at a time. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { parseFlag } from "@/src/core/records/parameters";
import { toRecordText } from "@/src/core/records/record-text";
import type { Db } from "@/src/db/client";
import type { RecordSearch } from "@/src/db/records/record-search";
import { AppError } from "@/src/shared/errors";
import { CSV_DELIMITERS, type CsvDelimiter, EXPORT_FORMATS, type ExportFormat } from "@/src/shared/record-limits";
import { requireOwnEndpoint } from "../ownership";
import { type RecordRow, readRecordPages } from "../records/read-record-page";
import type { RecordPageQuery, RecordQuery } from "../records/record-query";
import { ColumnOrder, type OrderedColumns } from "./column-order";
import { type Cell, KEY_ORDER_COLUMN, META_COLUMNS, toCells, WHOLE_COLUMN, writeCsvRow } from "./csv-columns";

const PAGE_RECORDS = 1000;
/** The maximum number of CSV columns. Spreadsheets take 16,384. */
const COLUMNS_MAX = 2000;
/** The work between two yields to the event loop, in cells or characters: about 10 ms. A page of wide rows can have millions of cells. */
const TURN_CELLS = 10_000;
const TURN_CHARACTERS = 128 * 1024;

const CONTENT_TYPES: Readonly<Record<ExportFormat, string>> = {
  json: "application/json; charset=utf-8",
  ndjson: "application/x-ndjson; charset=utf-8",
  csv: "text/csv; charset=utf-8; header=present",
};

export interface ExportForm {
  format: ExportFormat;
  /** Start CSV with a byte order mark, which Excel needs to read it as UTF-8. Default: no. */
  bom?: boolean | undefined;
  /** The CSV delimiter. Default: a comma. */
  delimiter?: CsvDelimiter | undefined;
}

/** Parses the query's options for the file format. Throws `parameter_invalid`. */
export function parseExportForm(parameters: URLSearchParams): ExportForm {
  const bom = parseFlag(parameters, "bom");
  const format = EXPORT_FORMATS.find((each) => each === parameters.get("format"));
  const delimiter = parameters.get("delimiter") ?? undefined;
  const known = CSV_DELIMITERS.find((each) => each === delimiter);
  if (delimiter !== known) throw invalid("delimiter", `Use one of: ${CSV_DELIMITERS.join(", ")}.`);
  if (format) return { format, bom, delimiter: known };
  throw invalid("format", `Use one of: ${EXPORT_FORMATS.join(", ")}.`);
}

function invalid(name: string, problem: string): AppError {
  return new AppError("parameter_invalid", { detail: `${name}: ${problem}`, fields: { [name]: problem } });
}

export interface ExportedFile {
  /** ASCII, without characters that need quotes in a header. */
  name: string;
  contentType: string;
  text: AsyncIterable<string>;
}

/**
 * Exports the records that `query` selects, of those that exist when the export starts. Errors are thrown before the first chunk: `not_found`, and
 * `parameter_invalid` if the query takes too long, the table would have too many columns, or `bom` is set for a format other than CSV.
 */
export async function exportRecords({
  db,
  search,
  ownerId,
  endpointId,
  format,
  query,
  now,
  bom = false,
  delimiter,
  isCheck = false,
}: ExportForm & {
  db: Pick<Db, "endpoint">;
  search: RecordSearch;
  ownerId: string;
  endpointId: string;
  query: RecordQuery;
  now: Date;
  /** For HEAD: checks for errors without producing the text. */
  isCheck?: boolean;
}): Promise<ExportedFile> {
  if (bom && format !== "csv") throw invalid("bom", "Only CSV can have a byte order mark. Omit bom.");
  if (delimiter !== undefined && format !== "csv") throw invalid("delimiter", "Only CSV has a delimiter. Omit delimiter.");
  const endpoint = await requireOwnEndpoint({ db, ownerId, endpointId });
  const readPages = () =>
    readRecordPages({
      search,
      accountId: ownerId,
      endpointId,
      query: { ...query, limit: PAGE_RECORDS, after: null } satisfies RecordPageQuery,
    });
  const columns = format === "csv" ? await collectColumns(readPages()) : NO_COLUMNS;
  const pages = readPages();
  // Collecting the columns already runs the query.
  const first = isCheck && format === "csv" ? DONE : await pages.next();
  if (isCheck) await pages.return();
  const day = now.toISOString().slice(0, 10);
  return {
    name: `${endpoint.name.replaceAll("/", "-")}-${day}.${format}`,
    contentType: CONTENT_TYPES[format],
    text: write({ format, bom, delimiter }, columns, resume(first, pages)),
  };
}

const DELIMITERS: Readonly<Record<CsvDelimiter, string>> = { comma: ",", semicolon: ";", tab: "\t" };
const BYTE_ORDER_MARK = "\ufeff";
const NO_COLUMNS: OrderedColumns = { columns: [], isExact: true };
const DONE: IteratorResult<never, void> = { done: true, value: undefined };

async function* resume<T>(first: IteratorResult<T, void>, rest: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  if (first.done) return;
  try {
    yield first.value;
    yield* rest;
  } finally {
    await rest.return();
  }
}

async function* write(
  { format, bom, delimiter = "comma" }: ExportForm,
  columns: OrderedColumns,
  pages: AsyncIterable<RecordRow[]>,
): AsyncGenerator<string, void> {
  const table = new Table(columns, DELIMITERS[delimiter]);
  if (format === "csv") yield `${bom ? BYTE_ORDER_MARK : ""}${table.header}`;
  if (format === "json") yield "[";
  let separator = "\n";
  for await (const rows of pages) {
    if (rows.length === 0) continue;
    switch (format) {
      case "csv":
        for await (const slice of toSlices(rows, columns.columns.length)) yield slice.map((row) => table.toRow(row)).join("");
        break;
      case "ndjson":
        yield `${rows.map(toLine).join("\n")}\n`;
        break;
      case "json":
        yield `${separator}${rows.map(toText).join(",\n")}`;
        separator = ",\n";
        break;
    }
  }
  if (format === "json") yield "\n]\n";
}

function toText({ uniqueId, ...row }: RecordRow): string {
  return toRecordText({ ...row, id: uniqueId });
}

/** JSON can contain line breaks as white space only; in strings they are escaped. */
function toLine(row: RecordRow): string {
  return toText(row).replace(/[\r\n]+/g, " ");
}

/** Collects the paths of all records' data. The records are read twice, because the header comes first. */
async function collectColumns(pages: AsyncIterable<RecordRow[]>): Promise<OrderedColumns> {
  const order = new ColumnOrder();
  for await (const rows of pages) {
    for await (const slice of toSlices(rows, 0)) {
      for (const { data } of slice) {
        const cells = toCells(data, COLUMNS_MAX);
        if (!cells.has(WHOLE_COLUMN)) order.add(cells.keys());
        if (order.size > COLUMNS_MAX) {
          const detail = `These records have more than ${COLUMNS_MAX} different paths, too many for a table. Export them as JSON or NDJSON.`;
          throw new AppError("parameter_invalid", { detail });
        }
      }
    }
  }
  return order.sort();
}

/** Yields a page's rows in small groups, and lets the event loop run in between. */
async function* toSlices(rows: readonly RecordRow[], columns: number): AsyncGenerator<RecordRow[], void> {
  let slice: RecordRow[] = [];
  let characters = 0;
  for (const row of rows) {
    slice.push(row);
    characters += row.data.length;
    if (characters < TURN_CHARACTERS && slice.length * columns < TURN_CELLS) continue;
    yield slice;
    slice = [];
    characters = 0;
    await nextTurn();
  }
  if (slice.length > 0) yield slice;
}

class Table {
  readonly #delimiter: string;
  readonly #columns: readonly string[];
  readonly #places: ReadonlyMap<string, number>;
  /** True if a column holds the key order, because records differ in it. */
  readonly #hasKeyOrder: boolean;

  constructor({ columns, isExact }: OrderedColumns, delimiter: string) {
    this.#delimiter = delimiter;
    this.#columns = columns;
    this.#places = new Map(columns.map((column, place) => [column, place]));
    this.#hasKeyOrder = !isExact;
  }

  get header(): string {
    return writeCsvRow(
      [...META_COLUMNS, ...this.#columns, WHOLE_COLUMN, ...(this.#hasKeyOrder ? [KEY_ORDER_COLUMN] : [])],
      this.#delimiter,
    );
  }

  toRow({ uniqueId, createdAt, updatedAt, data }: RecordRow): string {
    const cells = toCells(data, COLUMNS_MAX);
    const meta: Cell[] = [uniqueId, createdAt, updatedAt];
    const places = [...cells.keys()].map((column) => this.#places.get(column));
    const isInOrder = places.every((place, index) => index === 0 || (place ?? 0) > (places[index - 1] ?? 0));
    // The record may have changed since the columns were collected.
    const isWhole = places.includes(undefined) || (!isInOrder && !this.#hasKeyOrder);
    const row = isWhole
      ? [...meta, ...this.#columns.map(() => undefined), cells.get(WHOLE_COLUMN) ?? { json: data }]
      : [...meta, ...this.#columns.map((column) => cells.get(column)), undefined];
    if (this.#hasKeyOrder) row.push(isWhole || isInOrder ? undefined : { json: JSON.stringify([...cells.keys()]) });
    return writeCsvRow(row, this.#delimiter);
  }
}
