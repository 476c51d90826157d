/** Splits JSON objects into the texts of their members and joins them again, so that digits and key order stay as sent. Nothing is validated. */
import { closingQuote, skipSpace } from "@/src/core/json/text";

/** A member of an object, as written. */
export interface JsonMember {
  /** Decoded. */
  key: string;
  /** From the key's opening quote to the end of the value. */
  text: string;
  /** Only the value. */
  valueText: string;
}

/** The members of an object in order, including duplicate keys. `text` must be the valid JSON text of an object. Takes linear time. */
export function readMembers(text: string): JsonMember[] {
  const members: JsonMember[] = [];
  let at = skipSpace(text, text.indexOf("{") + 1);
  while (at < text.length && text[at] !== "}") {
    const keyEnd = closingQuote(text, at) + 1;
    const valueStart = skipSpace(text, text.indexOf(":", keyEnd) + 1);
    const valueEnd = endOfValue(text, valueStart);
    const keyText = text.slice(at, keyEnd);
    members.push({
      key: keyText.includes("\\") ? String(JSON.parse(keyText)) : keyText.slice(1, -1),
      text: text.slice(at, valueEnd),
      valueText: text.slice(valueStart, valueEnd),
    });
    at = skipSpace(text, valueEnd);
    if (text[at] === ",") at = skipSpace(text, at + 1);
  }
  return members;
}

/** The JSON text of an object with these members. */
export function writeMembers(members: readonly Pick<JsonMember, "text">[]): string {
  return `{${members.map((member) => member.text).join(",")}}`;
}

/** The index after the value that starts at `start`. Iterative, because values may be nested deeply. */
export function endOfValue(text: string, start: number): number {
  // Code units as numbers: the compiler makes a table of them.
  let open = 0;
  let at = start;
  for (; at < text.length; at += 1) {
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
        // The end of the object that contains a number or literal.
        if (open === 0) return at;
        open -= 1;
        break;
      case 0x2c:
      case 0x20:
      case 0x0a:
      case 0x0d:
      case 0x09:
        if (open === 0) return at;
        continue;
      default:
        continue;
    }
    if (open === 0) return at + 1;
  }
  return at;
}
