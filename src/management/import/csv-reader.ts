/** Reads CSV (RFC 4180) in chunks. The first row names the columns; each further row is one item, as JSON. Limits are checked while a row is read. */
import { JSON_DEPTH_MAX } from "@/src/shared/streams/protocol";
import { fromCell, type TableColumns, toRowData, toTableColumns } from "../export/csv-columns";
import { type FileItem, type ItemReader, invalidLine, recordTooLarge } from "./item-reader";

const COLUMNS_MAX = 2000;
/** The maximum number of cells in all rows. Even an empty cell costs time. */
const CELLS_MAX = 20_000_000;
/** A CSV row can be longer than its JSON because of quotes, but not by more than this factor. */
const ROW_FACTOR = 4;
const DELIMITERS = [",", ";", "\t"] as const;
/** The number of characters of the first line that are examined for the delimiter. */
const HEAD_CHARACTERS_MAX = 64 * 1024;
/** The line with which Excel declares the delimiter. After the file was saved again, delimiters can follow it. */
const DELIMITER_LINE = /^"?sep=([^"\r\n])"?(?:\1|[ \t])*(?:\r\n|\r|\n|$)/i;

const [NEWLINE, RETURN, QUOTE] = [0x0a, 0x0d, 0x22];

/** The state of the reader: at the start of a cell, in a bare cell, in a quoted cell, or after a quote in a quoted cell, which may end it. */
type State = "begin" | "bare" | "quoted" | "quote";

export class CsvReader implements ItemReader {
  readonly isTable = true;
  readonly #recordBytesMax: number;
  /** Undefined until the first line was read. Until then `#head` collects the text. */
  #delimiter: number | undefined;
  #head = "";
  #state: State = "begin";
  #line = 1;
  /** The line where the row starts. */
  #rowLine = 1;
  #rowLength = 0;
  /** The text of the current cell. */
  #cell = "";
  #isQuoted = false;
  /** The cells of the current row, as JSON. Undefined: an empty cell. */
  #values: (string | undefined)[] = [];
  #names: string[] = [];
  /** Undefined until the first row was read. */
  #columns: TableColumns | undefined;
  #cells = 0;
  /** A following line feed belongs to the carriage return that ended the row. */
  #isAfterReturn = false;
  /** The row is ended by the end of the file, not by a line break. */
  #isLastRow = false;

  constructor(recordBytesMax: number) {
    this.#recordBytesMax = recordBytesMax;
  }

  get line(): number {
    return this.#line;
  }

  *push(text: string): Generator<FileItem, void> {
    if (this.#delimiter !== undefined) return yield* this.#read(text);
    this.#head += text;
    if (this.#head.length > HEAD_CHARACTERS_MAX || hasLine(this.#head)) yield* this.#begin();
  }

  /** Detects the delimiter in the text so far, then reads the text. */
  *#begin(): Generator<FileItem, void> {
    const head = this.#head;
    this.#head = "";
    const named = DELIMITER_LINE.exec(head);
    this.#delimiter = (named?.[1] ?? findDelimiter(head)).charCodeAt(0);
    if (!named) return yield* this.#read(head);
    this.#startLine();
    this.#isAfterReturn = named[0].endsWith("\r");
    yield* this.#read(head.slice(named[0].length));
  }

  *#read(text: string): Generator<FileItem, void> {
    let at = 0;
    while (at < text.length) {
      const code = text.charCodeAt(at);
      if (this.#state === "begin" && code === NEWLINE && this.#count === 0) {
        // A blank line, or the second character of a line break.
        if (!this.#isAfterReturn) this.#startLine();
        this.#isAfterReturn = false;
        at += 1;
      } else if (this.#state === "begin") {
        this.#isAfterReturn = false;
        this.#isQuoted = code === QUOTE;
        this.#state = this.#isQuoted ? "quoted" : "bare";
        if (this.#isQuoted) at += 1;
      } else if (this.#state === "quoted") {
        at = this.#readQuoted(text, at);
      } else if (this.#state === "quote" && code === QUOTE) {
        this.#append('"');
        this.#state = "quoted";
        at += 1;
      } else {
        if (this.#state === "bare") at = this.#readBare(text, at);
        if (at < text.length) yield* this.#endCell(text.charCodeAt(at));
        at += 1;
      }
    }
  }

  *end(): Generator<FileItem, void> {
    if (this.#delimiter === undefined) yield* this.#begin();
    if (this.#state === "quoted") throw invalidLine(this.#rowLine, "this is not valid CSV: a quote is not closed");
    this.#isLastRow = true;
    if (this.#state !== "begin" || this.#count > 0) yield* this.#endCell(NEWLINE);
  }

  get #count(): number {
    return this.#columns ? this.#values.length : this.#names.length;
  }

  /** Appends text to the quoted cell, and returns the index after the next quote. */
  #readQuoted(text: string, start: number): number {
    const quote = text.indexOf('"', start);
    const end = quote < 0 ? text.length : quote;
    const piece = text.slice(start, end);
    for (let newline = piece.indexOf("\n"); newline >= 0; newline = piece.indexOf("\n", newline + 1)) this.#line += 1;
    this.#append(piece);
    if (quote >= 0) this.#state = "quote";
    return end + 1;
  }

  /** Appends text to the bare cell, and returns the index of the character that ends it. */
  #readBare(text: string, start: number): number {
    for (let at = start; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) throw invalidLine(this.#line, "this is not valid CSV: a cell contains a quote, but does not start with one");
      if (code !== this.#delimiter && code !== NEWLINE && code !== RETURN) continue;
      if (at > start) this.#append(text.slice(start, at));
      return at;
    }
    this.#append(text.slice(start));
    return text.length;
  }

  #append(piece: string): void {
    this.#rowLength += piece.length;
    if (this.#rowLength > this.#recordBytesMax * ROW_FACTOR) throw recordTooLarge(this.#rowLine, this.#recordBytesMax);
    this.#cell += piece;
  }

  /** `code` is the character after the cell. */
  *#endCell(code: number): Generator<FileItem, void> {
    const isRowEnd = code === NEWLINE || code === RETURN;
    if (!isRowEnd && code !== this.#delimiter) {
      throw invalidLine(this.#line, "this is not valid CSV: a closing quote must be followed by a delimiter or the end of the line");
    }
    const isBlank = isRowEnd && this.#count === 0 && this.#cell === "" && !this.#isQuoted;
    if (!isBlank) this.#addCell();
    this.#cell = "";
    this.#isQuoted = false;
    this.#state = "begin";
    if (!isRowEnd) return;
    if (!isBlank) yield* this.#endRow();
    this.#isAfterReturn = code === RETURN;
    this.#startLine();
  }

  #startLine(): void {
    this.#line += 1;
    this.#rowLine = this.#line;
    this.#rowLength = 0;
  }

  #addCell(): void {
    this.#cells += 1;
    if (this.#cells > CELLS_MAX)
      throw invalidLine(this.#rowLine, `a table has at most ${CELLS_MAX} cells. Split the file before this line`);
    if (!this.#columns) {
      if (this.#names.length === COLUMNS_MAX) throw invalidLine(this.#rowLine, `a table has at most ${COLUMNS_MAX} columns`);
      this.#names.push(this.#cell);
      return;
    }
    if (this.#values.length === this.#columns.paths.length) throw this.#wrongCount("more");
    this.#values.push(fromCell(this.#cell, this.#isQuoted));
  }

  *#endRow(): Generator<FileItem, void> {
    if (!this.#columns) {
      this.#columns = toColumns(this.#names, this.#rowLine);
      return;
    }
    const { paths, isOurs } = this.#columns;
    // Spreadsheets leave out trailing empty cells. A file that was cut off within a row is an error.
    if (this.#values.length < paths.length && (!isOurs || this.#isLastRow)) throw this.#wrongCount("fewer");
    const text = toRowData(this.#columns, this.#values);
    if (text === undefined) throw invalidLine(this.#rowLine, "two columns contradict each other");
    this.#values = [];
    yield { text, line: this.#rowLine };
  }

  #wrongCount(what: "more" | "fewer") {
    return invalidLine(
      this.#rowLine,
      `this is not valid CSV: the row has ${what} cells than the ${this.#columns?.paths.length ?? 0} columns of the first row`,
    );
  }
}

function toColumns(names: readonly string[], line: number): TableColumns {
  if (names.some((name) => name.trim() === "")) throw invalidLine(line, "a column has no name");
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw invalidLine(line, `the column ${JSON.stringify(name)} occurs twice`);
    seen.add(name);
  }
  const columns = toTableColumns(names.map((name) => name.trim()));
  if (columns.paths.some((path) => path !== undefined && path.length > JSON_DEPTH_MAX)) {
    throw invalidLine(line, `a column's path has at most ${JSON_DEPTH_MAX} steps`);
  }
  return columns;
}

/** True if the text contains a complete line that is not blank. A quoted cell can contain line breaks. */
function hasLine(text: string): boolean {
  return firstLine(text) !== undefined;
}

/** Returns the first line that is not blank, without quoted parts, or undefined if it is incomplete. */
function firstLine(text: string): string | undefined {
  const plain = text.replace(/"[^"]*(?:"|$)/g, (quoted) => (quoted.length > 1 && quoted.endsWith('"') ? "x" : '"')).trimStart();
  const end = plain.search(/[\r\n"]/);
  return end < 0 || plain[end] === '"' ? undefined : plain.slice(0, end);
}

/** Returns the most frequent separator of the first line. Spreadsheets of many countries write semicolons. */
function findDelimiter(text: string): string {
  const line = firstLine(text) ?? text;
  let best = { delimiter: ",", pieces: 0 };
  for (const delimiter of DELIMITERS) {
    const pieces = line.split(delimiter).length;
    if (pieces > best.pieces) best = { delimiter, pieces };
  }
  return best.delimiter;
}
