/** Reads NDJSON in chunks: one item per line, blank lines ignored. Holds at most one line. */
import { type FileItem, type ItemReader, recordTooLarge } from "./item-reader";

export class NdjsonReader implements ItemReader {
  readonly isTable = false;
  readonly #recordBytesMax: number;
  /** The beginning of a line that continues in the next chunk, without leading white space. */
  #rest = "";
  #line = 1;

  constructor(recordBytesMax: number) {
    this.#recordBytesMax = recordBytesMax;
  }

  get line(): number {
    return this.#line;
  }

  *push(text: string): Generator<FileItem, void> {
    let start = 0;
    for (let newline = text.indexOf("\n"); newline >= 0; newline = text.indexOf("\n", start)) {
      if (newline > start || this.#rest !== "") yield* this.#endLine(text.slice(start, newline));
      this.#line += 1;
      start = newline + 1;
    }
    const rest = text.slice(start);
    this.#rest = this.#rest === "" ? rest.trimStart() : this.#rest + rest;
    // Characters are fewer than bytes; the exact size is checked by the caller.
    if (this.#rest.length > this.#recordBytesMax) throw recordTooLarge(this.#line, this.#recordBytesMax);
  }

  end(): Generator<FileItem, void> {
    return this.#endLine("");
  }

  *#endLine(piece: string): Generator<FileItem, void> {
    const item = (this.#rest + piece).trim();
    this.#rest = "";
    if (item !== "") yield { text: item, line: this.#line };
  }
}
