/** The actions in the menu of a value: filter by it, and pin its path as a column. */
import type { ComparedValue } from "@/src/shared/filters/write-expression";
import { parsePath } from "../../json/json-path";
import type { JsonNode } from "../../json/json-tree";
import type { ValueAction } from "../../json/value-menu";
import type { FilterActions } from "../filter-actions";
import type { Pins } from "../list/use-pins";

export function toValueActions(filter: FilterActions, pins: Pins): readonly ValueAction[] {
  const compare = (operator: "=" | "!=") => (path: string, node: JsonNode) => {
    const value = toCompared(node);
    if (value !== undefined) filter.addValue(parsePath(path) ?? [], operator, value);
  };
  const isComparable = (path: string, node: JsonNode) => toCompared(node) !== undefined && (path === "" || parsePath(path) !== undefined);
  const isPinned = (path: string) => pins.paths.includes(path);
  return [
    { label: "Show only changes with this value", applies: isComparable, run: compare("=") },
    { label: "Hide changes with this value", applies: isComparable, run: compare("!=") },
    { label: "Pin as column", applies: (path) => parsePath(path) !== undefined && !isPinned(path), run: pins.toggle },
    { label: "Unpin column", applies: isPinned, run: pins.toggle },
  ];
}

/** Undefined: objects and arrays can't be compared. */
function toCompared(node: JsonNode): ComparedValue | undefined {
  switch (node.kind) {
    case "string":
      return node.value;
    case "number":
      return { number: node.text };
    case "boolean":
      return node.text === "true";
    case "null":
      return null;
    default:
      return undefined;
  }
}
