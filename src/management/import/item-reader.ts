/** The interface of the readers of import files: they take text in chunks, and return items with the line where each starts. */
import { AppError } from "@/src/shared/errors";

/** The text of an item, without surrounding white space. The caller checks whether it is JSON. */
export interface FileItem {
  text: string;
  /** Counted from 1. */
  line: number;
}

export interface ItemReader {
  /** The current line, counted from 1. */
  readonly line: number;
  /** True if items are rows of a table. */
  readonly isTable: boolean;
  /** Reads the next chunk, and yields the items that end in it. Throws `body_invalid` and `body_too_large` with the line. */
  push(text: string): Generator<FileItem, void>;
  /** Reads the end of the file, and yields the item that ends there. Throws what `push` throws. */
  end(): Generator<FileItem, void>;
}

/** `place` is the position in the line, e.g. `, column 3`. */
export function invalidLine(line: number, what: string, place = ""): AppError {
  return new AppError("body_invalid", { detail: `Line ${line}${place}: ${what}.` });
}

export function recordTooLarge(line: number, recordBytesMax: number): AppError {
  return new AppError("body_too_large", { detail: `Line ${line}: a record has at most ${recordBytesMax} bytes.` });
}
