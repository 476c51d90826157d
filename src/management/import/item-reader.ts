/** What the readers of the three kinds of import files have in common: they take text in chunks, and return items with the line where each begins. */
import { AppError } from "@/src/shared/errors";

/** An item as it stands in the file, without the white space around it. Whether it is JSON is for the caller to check. */
export interface FileItem {
  text: string;
  /** From 1. */
  line: number;
}

export interface ItemReader {
  /** The line that the reader has reached, from 1. */
  readonly line: number;
  /** Items are rows of a table. */
  readonly isTable: boolean;
  /** Reads the next chunk, and yields the items that end in it. Throws `body_invalid` and `body_too_large` with the line. */
  push(text: string): Generator<FileItem, void>;
  /** Reads the end of the file, and yields the item that ends there. Throws what `push` throws. */
  end(): Generator<FileItem, void>;
}

/** `place`: where in the line, e.g. `, column 3`. */
export function invalidLine(line: number, what: string, place = ""): AppError {
  return new AppError("body_invalid", { detail: `Line ${line}${place}: ${what}.` });
}

export function recordTooLarge(line: number, recordBytesMax: number): AppError {
  return new AppError("body_too_large", { detail: `Line ${line}: a record has at most ${recordBytesMax} bytes.` });
}
