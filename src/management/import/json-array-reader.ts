/** Reads a JSON array in chunks. Items stay text, so digits and key order are kept. Holds at most one item. */
import { type FileItem, type ItemReader, invalidLine, recordTooLarge } from "./item-reader";

/** The state of the reader: before the array, before the first or a further item, inside an item (or a string of it), after the array. */
type State = "before" | "first" | "next" | "inside" | "string" | "after";

const [NEWLINE, QUOTE, COMMA, BACKSLASH] = [0x0a, 0x22, 0x2c, 0x5c];
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

export class JsonArrayReader implements ItemReader {
  readonly isTable = false;
  readonly #recordBytesMax: number;
  #state: State = "before";
  #line = 1;
  /** The beginning of an item that continues in the next chunk, and the line where it started. */
  #rest = "";
  #itemLine = 1;
  /** The number of open brackets of the item. */
  #open = 0;
  /** True if the next character of a string is escaped. */
  #isEscaped = false;

  constructor(recordBytesMax: number) {
    this.#recordBytesMax = recordBytesMax;
  }

  get line(): number {
    return this.#line;
  }

  *push(text: string): Generator<FileItem, void> {
    let at = 0;
    /** The start of the item in this chunk. */
    let start = 0;
    while (at < text.length) {
      if (this.#state === "string") {
        at = this.#skipString(text, at);
        continue;
      }
      if (this.#state === "inside") {
        at = this.#skipItem(text, at);
        if (at === text.length || this.#state !== "inside") continue;
        const item = (this.#rest + text.slice(start, at)).trimEnd();
        this.#rest = "";
        if (item.length > this.#recordBytesMax) throw recordTooLarge(this.#itemLine, this.#recordBytesMax);
        const code = text.charCodeAt(at);
        yield { text: item, line: this.#itemLine };
        if (code === CLOSE_OBJECT) throw invalidLine(this.#line, "the array is not closed");
        this.#state = code === COMMA ? "next" : "after";
        at += 1;
        continue;
      }
      at = this.#skipSpace(text, at);
      if (at === text.length) break;
      start = at;
      at = this.#begin(text.charCodeAt(at), at);
    }
    if (this.#state !== "inside" && this.#state !== "string") return;
    this.#rest += text.slice(start);
    if (this.#rest.length > this.#recordBytesMax) throw recordTooLarge(this.#itemLine, this.#recordBytesMax);
  }

  // biome-ignore lint/correctness/useYield: a complete array has already yielded all of its items
  *end(): Generator<FileItem, void> {
    if (this.#state !== "before" && this.#state !== "after") throw invalidLine(this.#line, "the array is not closed");
  }

  /** Reads the first character after white space, outside of items. Returns the index from which to go on. */
  #begin(code: number, at: number): number {
    switch (this.#state) {
      case "before":
        if (code !== OPEN_ARRAY) throw invalidLine(this.#line, "expected a JSON array with one item for each record");
        this.#state = "first";
        return at + 1;
      case "first":
      case "next":
        if (code === CLOSE_ARRAY && this.#state === "first") {
          this.#state = "after";
          return at + 1;
        }
        if (code === COMMA) throw invalidLine(this.#line, "a record is missing before this comma");
        if (code === CLOSE_ARRAY) throw invalidLine(this.#line, "remove the comma after the last record");
        if (code === CLOSE_OBJECT) throw invalidLine(this.#line, "a record is expected before “}”");
        this.#state = "inside";
        this.#itemLine = this.#line;
        this.#open = 0;
        return at;
      default:
        throw invalidLine(this.#line, "unexpected text after the end of the array");
    }
  }

  /** Returns the index of the comma or bracket after the item, or of the start of a string; the length if the item continues in the next chunk. */
  #skipItem(text: string, start: number): number {
    for (let at = start; at < text.length; at += 1) {
      switch (text.charCodeAt(at)) {
        case NEWLINE:
          this.#line += 1;
          break;
        case QUOTE:
          this.#state = "string";
          return at + 1;
        case OPEN_ARRAY:
        case OPEN_OBJECT:
          this.#open += 1;
          break;
        case CLOSE_ARRAY:
        case CLOSE_OBJECT:
          if (this.#open === 0) return at;
          this.#open -= 1;
          break;
        case COMMA:
          if (this.#open === 0) return at;
          break;
      }
    }
    return text.length;
  }

  /** Returns the index after the string's closing quote; the length if the string continues in the next chunk. */
  #skipString(text: string, start: number): number {
    for (let at = start; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code === NEWLINE) this.#line += 1;
      if (this.#isEscaped) this.#isEscaped = false;
      else if (code === BACKSLASH) this.#isEscaped = true;
      else if (code === QUOTE) {
        this.#state = "inside";
        return at + 1;
      }
    }
    return text.length;
  }

  #skipSpace(text: string, start: number): number {
    for (let at = start; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code === NEWLINE) this.#line += 1;
      else if (code !== 0x20 && code !== 0x09 && code !== 0x0d) return at;
    }
    return text.length;
  }
}
