/** Prints JSON trees as text, with digits and key order unchanged. Pure. */
import type { JsonNode } from "./json-tree";

/** A text on one line. */
export interface CompactText {
  text: string;
  /** Where the text has scalar values, beside keys and punctuation: start and end of each, alternating. */
  values: number[];
}

/** Prints on one line. Text longer than `lengthMax` is cut and ends in “…”; the rest of the tree is not visited. */
export function toCompactText(node: JsonNode, lengthMax = Number.POSITIVE_INFINITY): string {
  return toCompactParts(node, lengthMax).text;
}

/** As toCompactText, with the places of the values. */
export function toCompactParts(node: JsonNode, lengthMax: number): CompactText {
  let text = "";
  const values: number[] = [];
  // Returns false when the text is long enough.
  const write = (piece: string): boolean => {
    text += piece;
    return text.length <= lengthMax;
  };
  const writeValue = (piece: string): boolean => {
    values.push(Math.min(text.length, lengthMax), Math.min(text.length + piece.length, lengthMax));
    return write(piece);
  };
  const walk = (current: JsonNode): boolean => {
    switch (current.kind) {
      case "object":
        return (
          write("{") &&
          current.entries.every(
            ({ key, value }, index) => write(index === 0 ? "" : ", ") && write(`${JSON.stringify(key)}: `) && walk(value),
          ) &&
          write("}")
        );
      case "array":
        return write("[") && current.items.every((item, index) => write(index === 0 ? "" : ", ") && walk(item)) && write("]");
      case "string":
        return writeValue(JSON.stringify(current.value.length > lengthMax ? current.value.slice(0, lengthMax) : current.value));
      default:
        return writeValue(current.text);
    }
  };
  walk(node);
  return { text: text.length > lengthMax ? `${text.slice(0, lengthMax)}…` : text, values };
}

/** Prints with an indentation of two spaces. */
export function toPrettyText(node: JsonNode, indent = ""): string {
  const deeper = `${indent}  `;
  switch (node.kind) {
    case "object":
      if (node.entries.length === 0) return "{}";
      return `{\n${node.entries.map(({ key, value }) => `${deeper}${JSON.stringify(key)}: ${toPrettyText(value, deeper)}`).join(",\n")}\n${indent}}`;
    case "array":
      if (node.items.length === 0) return "[]";
      return `[\n${node.items.map((item) => deeper + toPrettyText(item, deeper)).join(",\n")}\n${indent}]`;
    case "string":
      return JSON.stringify(node.value);
    default:
      return node.text;
  }
}

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/** Appends a step to a path: `a.b`, `a[0]`, `a["odd key"]`. The path of the root is empty. */
export function joinPath(path: string, step: string | number): string {
  if (typeof step === "number") return `${path}[${step}]`;
  if (!IDENTIFIER.test(step)) return `${path}[${JSON.stringify(step)}]`;
  return path === "" ? step : `${path}.${step}`;
}
