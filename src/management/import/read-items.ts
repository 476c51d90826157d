/** Reads the records of an import file (G14) in batches. Limits are checked while reading. Runs in the import worker. */
import { readMembers } from "@/src/core/json/members";
import { findJsonProblem } from "@/src/core/json/scanner";
import { parseJsonText } from "@/src/core/json/text";
import { AppError, isAppError } from "@/src/shared/errors";
import { IMPORT_DATA_BYTES_MAX, IMPORT_RECORDS_MAX } from "@/src/shared/record-limits";
import { isUniqueId, JSON_DEPTH_MAX } from "@/src/shared/streams/protocol";
import { AnyReader } from "./any-reader";
import { decodeChunks, type FoundCharset, type NamedCharset } from "./charset";
import { CsvReader } from "./csv-reader";
import type { ImportKind } from "./import-kind";
import { type FileItem, type ItemReader, invalidLine, recordTooLarge } from "./item-reader";
import { JsonArrayReader } from "./json-array-reader";
import { NdjsonReader } from "./ndjson-reader";

/** A record to store: valid JSON text, and the line where it starts. */
export interface ImportedItem {
  data: string;
  line: number;
}

export interface ReadOptions {
  /** `any`: the first character decides. */
  kind: ImportKind | "any";
  /** Undefined: the file declares it. */
  charset?: NamedCharset | undefined;
  /** See DecodeOptions. Default: no. */
  mayGuess?: boolean;
  /** Called once, before the last batch. */
  onFound?: (found: FoundCharset) => void;
  recordBytesMax: number;
  /** The CPU time for the whole file, in milliseconds, as counted by `cpuMs`. */
  cpuMsMax: number;
  cpuMs: () => number;
}

/** A batch ends at either limit. The server handles a batch in one turn of its event loop. */
const BATCH_RECORDS = 1000;
const BATCH_CHARACTERS = 512 * 1024;

/**
 * Yields the records of the file, in order. Holds one batch and one record at a time. Throws `body_empty`, and with the line `body_invalid`, and
 * `body_too_large` if a record has more than `recordBytesMax` bytes, or the file has too many records, too much data, or takes too long to read.
 */
export async function* readItems(bytes: AsyncIterable<Uint8Array>, options: ReadOptions): AsyncGenerator<ImportedItem[], void> {
  const reader = createReader(options);
  const batcher = new Batcher(options, reader);
  const { charset, mayGuess = false, onFound = () => undefined } = options;
  for await (const text of decodeChunks(bytes, { charset, mayGuess, line: () => reader.line, onFound })) {
    yield* batcher.take(reader.push(text));
    batcher.requireTime();
  }
  yield* batcher.take(reader.end());
  yield* batcher.end();
}

function createReader({ kind, recordBytesMax }: Pick<ReadOptions, "kind" | "recordBytesMax">): ItemReader {
  switch (kind) {
    case "csv":
      return new CsvReader(recordBytesMax);
    case "json":
      return new JsonArrayReader(recordBytesMax);
    case "ndjson":
      return new NdjsonReader(recordBytesMax);
    case "any":
      return new AnyReader((found) => createReader({ kind: found, recordBytesMax }));
  }
}

/** Checks items and collects them into batches. */
class Batcher {
  readonly #options: ReadOptions;
  readonly #reader: ItemReader;
  #batch: ImportedItem[] = [];
  #characters = 0;
  #records = 0;
  #bytes = 0;

  constructor(options: ReadOptions, reader: ItemReader) {
    this.#options = options;
    this.#reader = reader;
  }

  *take(items: Iterable<FileItem>): Generator<ImportedItem[], void> {
    for (const item of items) {
      const data = this.#check(item);
      this.#batch.push({ data, line: item.line });
      this.#characters += data.length;
      if (this.#batch.length < BATCH_RECORDS && this.#characters < BATCH_CHARACTERS) continue;
      this.requireTime();
      yield this.#flush();
    }
  }

  *end(): Generator<ImportedItem[], void> {
    if (this.#records === 0) throw new AppError("body_empty", { detail: "The file has no records." });
    if (this.#batch.length > 0) yield this.#flush();
  }

  requireTime(): void {
    const { cpuMs, cpuMsMax } = this.#options;
    if (cpuMs() > cpuMsMax) throw this.#split("reading the file takes too long", this.#reader.line);
  }

  #check({ text, line }: FileItem): string {
    const { recordBytesMax } = this.#options;
    this.#records += 1;
    if (this.#records > IMPORT_RECORDS_MAX) throw this.#split(`a file has at most ${IMPORT_RECORDS_MAX} records`, line);
    const bytes = Buffer.byteLength(text);
    if (bytes > recordBytesMax) throw recordTooLarge(line, recordBytesMax);
    this.#bytes += bytes;
    if (this.#bytes > IMPORT_DATA_BYTES_MAX) throw this.#split(`the records have more than ${IMPORT_DATA_BYTES_MAX} bytes as JSON`, line);
    const data = requireJson(text, line);
    // Rows of a table contain only data.
    return this.#reader.isTable ? data : unwrap(data);
  }

  #split(what: string, line: number): AppError {
    return new AppError("body_too_large", { detail: `Line ${line}: ${what}. Split the file before line ${line}.` });
  }

  #flush(): ImportedItem[] {
    const batch = this.#batch;
    this.#batch = [];
    this.#characters = 0;
    return batch;
  }
}

function requireJson(text: string, line: number): string {
  try {
    return parseJsonText(text);
  } catch (error) {
    const problem = isAppError(error) ? findJsonProblem(text, JSON_DEPTH_MAX) : undefined;
    if (!problem) throw error;
    const before = text.slice(0, problem.offset).split("\n");
    const column = (before.at(-1)?.length ?? 0) + 1;
    const hasPlace = before.length > 1 || problem.kind === "syntax";
    throw hasPlace
      ? invalidLine(line + before.length - 1, problem.what, `, column ${column}`)
      : invalidLine(line, problem.what, `, at ${problem.path}`);
  }
}

const RECORD_KEYS = new Set(["uniqueId", "data", "createdAt", "updatedAt"]);

/** Returns the data of an exported record (R1); any other value unchanged. */
function unwrap(text: string): string {
  if (!/^\{\s*"(?:uniqueId|data|createdAt|updatedAt)"/.test(text)) return text;
  const members = readMembers(text);
  if (members.length !== RECORD_KEYS.size || !members.every(({ key }) => RECORD_KEYS.has(key))) return text;
  const id = members.find(({ key }) => key === "uniqueId")?.valueText.slice(1, -1);
  const data = members.find(({ key }) => key === "data")?.valueText;
  return id !== undefined && isUniqueId(id) && data !== undefined ? data : text;
}
