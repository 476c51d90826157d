/** Writes an endpoint's records as a file: JSON, NDJSON or CSV (G14). A page is held at a time, whatever the size. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { stringify } from "csv-stringify/sync";
import { toRecordText } from "@/src/core/record-text";
import type { Db } from "@/src/db/client";
import type { RecordSearch } from "@/src/db/record-search";
import { AppError } from "@/src/shared/errors";
import type { ExportFormat } from "@/src/shared/record-limits";
import { type Cell, META_COLUMNS, toCells, WHOLE_COLUMN } from "./csv-columns";
import { type RecordRow, readRecordPages } from "./read-record-page";
import type { RecordPageQuery, RecordQuery } from "./record-query";
import { requireOwnEndpoint } from "./require-own-endpoint";

const PAGE_RECORDS = 1000;
/** A spreadsheet takes 16,384; records with more paths than this are no table. */
const COLUMNS_MAX = 2000;
/** After so many cells of a table, or characters of data, others get their turn: some 10 ms. A page of wide rows has millions of cells. */
const TURN_CELLS = 10_000;
const TURN_CHARACTERS = 128 * 1024;

const CONTENT_TYPES: Readonly<Record<ExportFormat, string>> = {
  json: "application/json; charset=utf-8",
  ndjson: "application/x-ndjson; charset=utf-8",
  csv: "text/csv; charset=utf-8; header=present",
};

export interface ExportedFile {
  /** ASCII, without characters that need quoting. */
  name: string;
  contentType: string;
  text: AsyncIterable<string>;
}

/**
 * The records that `query` selects, of those that exist when the export begins. What is wrong shows before the first text is read: `not_found`,
 * and `parameter_invalid` when the query takes too long or a table would have too many columns.
 */
export async function exportRecords({
  db,
  search,
  ownerId,
  endpointId,
  format,
  query,
  now,
  isCheck = false,
}: {
  db: Pick<Db, "endpoint">;
  search: RecordSearch;
  ownerId: string;
  endpointId: string;
  format: ExportFormat;
  query: RecordQuery;
  now: Date;
  /** Nothing will be read of the text: only what is wrong is looked for. */
  isCheck?: boolean;
}): Promise<ExportedFile> {
  const endpoint = await requireOwnEndpoint({ db, ownerId, endpointId });
  const readPages = () =>
    readRecordPages({
      search,
      accountId: ownerId,
      endpointId,
      query: { ...query, limit: PAGE_RECORDS, after: null } satisfies RecordPageQuery,
    });
  const columns = format === "csv" ? await collectColumns(readPages()) : [];
  const pages = readPages();
  // To collect a table's columns is a check already.
  const first = isCheck && format === "csv" ? DONE : await pages.next();
  if (isCheck) await pages.return();
  const day = now.toISOString().slice(0, 10);
  return {
    name: `${endpoint.name.replaceAll("/", "-")}-${day}.${format}`,
    contentType: CONTENT_TYPES[format],
    text: write(format, columns, resume(first, pages)),
  };
}

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

async function* write(format: ExportFormat, columns: readonly string[], pages: AsyncIterable<RecordRow[]>): AsyncGenerator<string, void> {
  if (format === "csv") yield writeRows([[...META_COLUMNS, ...columns, WHOLE_COLUMN]]);
  if (format === "json") yield "[";
  let separator = "\n";
  for await (const rows of pages) {
    if (rows.length === 0) continue;
    switch (format) {
      case "csv":
        for await (const slice of toSlices(rows, columns.length)) yield writeRows(slice.map((row) => toCsvRow(row, columns)));
        break;
      case "ndjson":
        yield `${rows.map(toText).join("\n")}\n`;
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

/** The paths of all records' data. The table is read twice, since its header comes first. */
async function collectColumns(pages: AsyncIterable<RecordRow[]>): Promise<string[]> {
  const columns = new Set<string>();
  for await (const rows of pages) {
    for await (const slice of toSlices(rows, 0)) {
      for (const { data } of slice) for (const column of toCells(data, COLUMNS_MAX).keys()) columns.add(column);
      if (columns.size > COLUMNS_MAX) {
        const detail = `These records have more than ${COLUMNS_MAX} different paths, too many for a table. Export them as JSON or NDJSON.`;
        throw new AppError("parameter_invalid", { detail });
      }
    }
  }
  columns.delete(WHOLE_COLUMN);
  return [...columns].sort();
}

/** A page's rows, a few at a time, with turns for others in between. */
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

function toCsvRow({ uniqueId, createdAt, updatedAt, data }: RecordRow, columns: readonly string[]): Cell[] {
  const cells = toCells(data, COLUMNS_MAX);
  const values = columns.map((column) => cells.get(column));
  const covered = values.filter((value) => value !== undefined).length;
  // Changed since the columns were collected: nothing of it may be lost.
  const isWhole = cells.has(WHOLE_COLUMN) || covered < cells.size;
  const whole = cells.get(WHOLE_COLUMN) ?? { json: data };
  return [uniqueId, createdAt, updatedAt, ...(isWhole ? columns.map(() => undefined) : values), isWhole ? whole : undefined];
}

function writeRows(rows: readonly Cell[][]): string {
  return stringify([...rows], {
    quoted_string: true,
    record_delimiter: "\r\n",
    cast: { object: (value) => ("json" in value ? String(value.json) : "") },
  });
}
