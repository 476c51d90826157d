/** Reads the records of an import (G14): NDJSON, a JSON array or CSV. Bodies stay text. It must not store them. */
import { isUtf8 } from "node:buffer";
import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { parse } from "csv-parse";
import { type JsonItem, readJsonItems } from "@/src/core/json-items";
import { readMembers } from "@/src/core/json-members";
import { findJsonProblem } from "@/src/core/json-scanner";
import { parseJsonText } from "@/src/core/json-text";
import { AppError, isAppError } from "@/src/shared/errors";
import { isUniqueId, JSON_DEPTH_MAX } from "@/src/shared/protocol";
import { IMPORT_RECORDS_MAX } from "@/src/shared/record-limits";
import { type ColumnPath, fromCell, toColumnPaths, toRowData } from "./csv-columns";

export const IMPORT_KINDS = ["ndjson", "json", "csv"] as const;
export type ImportKind = (typeof IMPORT_KINDS)[number];

/** A record to be: valid JSON text, and the line where it begins. */
export interface ImportedItem {
  data: string;
  line: number;
}

const COLUMNS_MAX = 2000;
/** After so many characters others get their turn. */
const SLICE_CHARACTERS = 256 * 1024;

const PIECE_BYTES = 64 * 1024;

const KINDS: Readonly<Record<string, ImportKind>> = {
  "application/x-ndjson": "ndjson",
  "application/ndjson": "ndjson",
  "application/jsonl": "ndjson",
  "application/json": "json",
  "text/csv": "csv",
};

/** What a content type announces. Raises `content_type_unsupported`. */
export function parseImportKind(contentType: string | null): ImportKind {
  const [mediaType = ""] = (contentType ?? "").split(";");
  const kind = KINDS[mediaType.trim().toLowerCase()];
  if (kind) return kind;
  const detail = "This content type can't be imported. Send application/x-ndjson, application/json (an array) or text/csv.";
  throw new AppError("content_type_unsupported", { detail });
}

/**
 * Every record of the body, in order. Raises `body_empty`; and with the line `body_invalid` and `body_too_large`: for a record of more than
 * `recordBytesMax`, or too many of them. Gives way to others while it works.
 */
export async function readImport({
  kind,
  bytes,
  recordBytesMax,
}: {
  kind: ImportKind;
  bytes: Uint8Array;
  recordBytesMax: number;
}): Promise<ImportedItem[]> {
  if (!isUtf8(bytes)) throw new AppError("body_invalid", { detail: "The file is not UTF-8. Save it as UTF-8, then try again." });
  const items: ImportedItem[] = [];
  let characters = 0;
  for await (const { text, line } of read(kind, bytes, recordBytesMax)) {
    if (items.length === IMPORT_RECORDS_MAX) {
      throw new AppError("body_too_large", {
        detail: `At most ${IMPORT_RECORDS_MAX} records are taken at once. Split the file before line ${line}.`,
      });
    }
    if (Buffer.byteLength(text) > recordBytesMax) {
      throw new AppError("body_too_large", { detail: `Line ${line}: a record may have ${recordBytesMax} bytes at most.` });
    }
    items.push({ data: unwrap(check(text, line)), line });
    characters += text.length;
    if (characters < SLICE_CHARACTERS) continue;
    characters = 0;
    await setImmediate();
  }
  if (items.length === 0) throw new AppError("body_empty", { detail: "There is no record in this file." });
  return items;
}

function read(kind: ImportKind, bytes: Uint8Array, recordBytesMax: number): Iterable<JsonItem> | AsyncIterable<JsonItem> {
  if (kind === "csv") return readCsv(bytes, recordBytesMax);
  const text = new TextDecoder().decode(bytes);
  if (!/\S/.test(text)) return [];
  return kind === "json" ? readJsonItems(text) : readLines(text);
}

function* readLines(text: string): Generator<JsonItem, void> {
  let line = 1;
  for (let start = 0; start <= text.length; line += 1) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    const item = text.slice(start, end).trim();
    if (item !== "") yield { text: item, line };
    start = end + 1;
  }
}

function check(text: string, line: number): string {
  try {
    return parseJsonText(text);
  } catch (error) {
    const problem = isAppError(error) ? findJsonProblem(text, JSON_DEPTH_MAX) : undefined;
    if (!problem) throw error;
    const before = text.slice(0, problem.offset).split("\n");
    const column = (before.at(-1)?.length ?? 0) + 1;
    const where =
      before.length > 1 || problem.kind === "syntax"
        ? `Line ${line + before.length - 1}, column ${column}`
        : `Line ${line}, at ${problem.path}`;
    throw new AppError("body_invalid", { detail: `${where}: ${problem.what}.` });
  }
}

const RECORD_KEYS = new Set(["uniqueId", "data", "createdAt", "updatedAt"]);

/** The data of a record as R1 has it, which an export is made of; any other value as it is. */
function unwrap(text: string): string {
  if (!/^\{\s*"(?:uniqueId|data|createdAt|updatedAt)"/.test(text)) return text;
  const members = readMembers(text);
  if (members.length !== RECORD_KEYS.size || !members.every(({ key }) => RECORD_KEYS.has(key))) return text;
  const id = members.find(({ key }) => key === "uniqueId")?.valueText.slice(1, -1);
  const data = members.find(({ key }) => key === "data")?.valueText;
  return id !== undefined && isUniqueId(id) && data !== undefined ? data : text;
}

/** One record a row; the first row names the columns. */
async function* readCsv(bytes: Uint8Array, recordBytesMax: number): AsyncGenerator<JsonItem, void> {
  const parser = parse({
    bom: true,
    delimiter: findDelimiter(bytes),
    info: true,
    skip_empty_lines: true,
    // Quotes and numbers as bytes take more than as JSON, but never by so much.
    max_record_size: recordBytesMax * 4,
    cast: (cell, { quoting, records }) => (records === 0 ? cell : fromCell(cell, quoting)),
  });
  // In pieces, each at the reader's pace: the parser works through whatever it is given in one go.
  Readable.from(toPieces(bytes)).pipe(parser);
  let paths: readonly ColumnPath[] | undefined;
  try {
    for await (const row of parser) {
      const { record, info }: CsvRow = row;
      if (paths) {
        const text = toRowData(paths, record);
        if (text === undefined) throw new AppError("body_invalid", { detail: `Line ${info.lines}: two columns contradict each other.` });
        yield { text, line: info.lines };
      } else {
        paths = readHeader(record.map((name) => name ?? ""));
      }
    }
  } catch (error) {
    throw isAppError(error) ? error : toCsvProblem(error);
  } finally {
    parser.destroy();
  }
}

function* toPieces(bytes: Uint8Array): Generator<Uint8Array, void> {
  for (let start = 0; start < bytes.length; start += PIECE_BYTES) yield bytes.subarray(start, start + PIECE_BYTES);
}

interface CsvRow {
  record: (string | undefined)[];
  info: { lines: number };
}

function readHeader(names: readonly string[]): ColumnPath[] {
  const fail = (detail: string) => new AppError("body_invalid", { detail: `Line 1: ${detail}` });
  if (names.length > COLUMNS_MAX) throw fail(`a table may have ${COLUMNS_MAX} columns at most.`);
  if (names.some((name) => name.trim() === "")) throw fail("a column has no name.");
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw fail(`the column ${JSON.stringify(twice)} is there twice.`);
  return toColumnPaths(names.map((name) => name.trim()));
}

/** What separates most in the first line: spreadsheets of many countries write semicolons. */
function findDelimiter(bytes: Uint8Array): string {
  const newline = bytes.indexOf(0x0a);
  const line = new TextDecoder().decode(bytes.subarray(0, newline < 0 ? 65_536 : Math.min(newline, 65_536)));
  const counts = [",", ";", "\t"].map((delimiter) => [delimiter, line.split(delimiter).length] as const);
  return counts.reduce((most, each) => (each[1] > most[1] ? each : most), [",", 0] as const)[0];
}

/** The parser's words, with the line in front. */
function toCsvProblem(error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error) || !String(error.code).startsWith("CSV_")) return error;
  const line = "lines" in error ? `Line ${String(error.lines)}: ` : "";
  return new AppError("body_invalid", { detail: `${line}this is not valid CSV. ${error.message}.`.replace(/\.+$/, "."), cause: error });
}
