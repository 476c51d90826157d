/** Reads a file whose kind is not known. The first character decides: `{` starts NDJSON, `[` a JSON array, anything else CSV. */
import type { ImportKind } from "./import-kind";
import type { FileItem, ItemReader } from "./item-reader";

/** The maximum of leading white space that is kept until another character arrives. */
const SPACE_MAX = 64 * 1024;

export class AnyReader implements ItemReader {
  readonly #create: (kind: ImportKind) => ItemReader;
  #reader: ItemReader | undefined;
  #space = "";

  constructor(create: (kind: ImportKind) => ItemReader) {
    this.#create = create;
  }

  get line(): number {
    return this.#reader?.line ?? 1;
  }

  get isTable(): boolean {
    return this.#reader?.isTable ?? false;
  }

  *push(text: string): Generator<FileItem, void> {
    if (this.#reader) return yield* this.#reader.push(text);
    const begin = this.#space + text;
    this.#space = begin;
    const first = begin.trimStart()[0];
    if (first === undefined && begin.length <= SPACE_MAX) return;
    this.#space = "";
    this.#reader = this.#create(first === "{" ? "ndjson" : first === "[" ? "json" : "csv");
    yield* this.#reader.push(begin);
  }

  *end(): Generator<FileItem, void> {
    if (this.#reader) yield* this.#reader.end();
  }
}
