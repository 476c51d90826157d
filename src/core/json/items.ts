/**
 * Splits the text of a JSON array into the texts of its items, one at a time, so that digits and key order stay as sent. The items are not validated.
 */
import { closingQuote, skipSpace } from "@/src/core/json/text";
import { AppError } from "@/src/shared/errors";

export interface JsonItem {
  /** Without surrounding white space. Not validated: it may not be JSON. */
  text: string;
  /** The first line is 1. */
  line: number;
}

/** Yields the items in order. Throws `body_invalid` with the line number if the array itself is malformed. */
export function* readJsonItems(text: string): Generator<JsonItem, void> {
  const lines = new Lines(text);
  let at = skipSpace(text, 0);
  if (text[at] !== "[") throw broken(lines.at(at), "expected a JSON array with one item for each record");
  at = skipSpace(text, at + 1);
  if (text[at] === "]") return requireEnd(text, at + 1, lines);
  for (;;) {
    const end = findItemEnd(text, at);
    if (end === at) throw broken(lines.at(at), at >= text.length ? "the array is not closed" : "expected an item");
    yield { text: text.slice(at, end).trimEnd(), line: lines.at(at) };
    if (text[end] === "]") return requireEnd(text, end + 1, lines);
    if (text[end] !== ",") throw broken(lines.at(end), "the array is not closed");
    at = skipSpace(text, end + 1);
  }
}

/** The index of the comma or bracket after the item that starts at `start`, or the text's length if there is none. */
function findItemEnd(text: string, start: number): number {
  let open = 0;
  for (let at = start; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case 0x22:
        at = closingQuote(text, at);
        break;
      case 0x5b:
      case 0x7b:
        open += 1;
        break;
      case 0x5d:
      case 0x7d:
        if (open === 0) return at;
        open -= 1;
        break;
      case 0x2c:
        if (open === 0) return at;
        break;
    }
  }
  return text.length;
}

function requireEnd(text: string, start: number, lines: Lines): void {
  const at = skipSpace(text, start);
  if (at < text.length) throw broken(lines.at(at), "unexpected text after the end of the array");
}

function broken(line: number, what: string): AppError {
  return new AppError("body_invalid", { detail: `Line ${line}: ${what}.` });
}

/** Counts lines incrementally. Call `at` with increasing positions. */
class Lines {
  readonly #text: string;
  #line = 1;
  #next: number;

  constructor(text: string) {
    this.#text = text;
    this.#next = text.indexOf("\n");
  }

  at(place: number): number {
    while (this.#next >= 0 && this.#next < place) {
      this.#line += 1;
      this.#next = this.#text.indexOf("\n", this.#next + 1);
    }
    return this.#line;
  }
}
