/** Finds keys that occur twice in an object of a JSON text. Parsers disagree about which of the two values counts. */
import { closingQuote } from "@/src/core/json/text";

/** An open array or object. */
type Open = { kind: "array"; index: number } | { kind: "object"; keys: Set<string>; key: string; expectsKey: boolean };

/** The JSON pointer of the first duplicate key, or undefined if there is none. `text` must be valid JSON. Takes linear time and does not recurse. */
export function findDuplicateKey(text: string): string | undefined {
  const open: Open[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const top = open.at(-1);
    switch (text[at]) {
      case "{":
        open.push({ kind: "object", keys: new Set(), key: "", expectsKey: true });
        break;
      case "[":
        open.push({ kind: "array", index: 0 });
        break;
      case "}":
      case "]":
        open.pop();
        break;
      case ",":
        if (top?.kind === "array") top.index += 1;
        else if (top) top.expectsKey = true;
        break;
      case '"': {
        const end = closingQuote(text, at);
        if (top?.kind === "object" && top.expectsKey) {
          const keyText = text.slice(at + 1, end);
          top.key = keyText.includes("\\") ? String(JSON.parse(`"${keyText}"`)) : keyText;
          if (top.keys.has(top.key)) return toPointer(open);
          top.keys.add(top.key);
          top.expectsKey = false;
        }
        at = end;
        break;
      }
    }
  }
  return undefined;
}

function toPointer(open: readonly Open[]): string {
  return open.map((each) => `/${each.kind === "array" ? each.index : each.key.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
