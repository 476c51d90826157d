/** Turns an event into the content of its row. Parses the data of the event and of the previous version. Pure. */

import { diffJson } from "../../json/json-diff";
import { getAtPath, type JsonPath, parsePath } from "../../json/json-path";
import { toCompactParts, toCompactText } from "../../json/json-print";
import { type JsonNode, parseJson } from "../../json/json-tree";
import { type EventKind, isMarkKind } from "../../stream/stream-event";
import type { EventRing } from "../engine/event-ring";

export interface RowView {
  ordinal: number;
  kind: EventKind;
  seq: number;
  /** The name of its endpoint, in a console of several. */
  endpoint: string;
  atMs: number;
  recordId: string;
  /** The filter does not match, and dims instead of hiding. */
  isDimmed?: true;
  /** Bytes of data. */
  size: number;
  /** For an update whose previous version is buffered: the changed paths. For a mark: its sentence. Otherwise the data on one line. */
  preview: string;
  /** Where the preview has values, beside keys and punctuation: start and end of each, alternating. Empty: everything is a value. */
  values: readonly number[];
  /** The values at the pinned paths, in their order. Empty text: there is none. */
  pins: readonly string[];
}

/** As much as fits in the widest window. */
export const PREVIEW_LENGTH_MAX = 400;
/** Longer data is not parsed. The row shows the start of the text instead. */
const PARSED_BYTES_MAX = 64 * 1024;
const PATHS_MAX = 12;
/** As many as fit into the cell of a pinned path. */
const PIN_CHARACTERS = 15;

/** The row of a buffered event. */
export function toRowView(ring: EventRing, ordinal: number, pins: readonly JsonPath[]): RowView {
  const kind = ring.kind(ordinal);
  const node = parseSmall(ring, ordinal);
  return {
    ordinal,
    kind,
    seq: ring.seq(ordinal),
    endpoint: ring.endpointName(ordinal),
    atMs: ring.atMs(ordinal),
    recordId: ring.recordId(ordinal),
    size: ring.size(ordinal),
    ...((kind === "update" && node && toChangedPaths(ring, ordinal, node)) || toPreview(ring, ordinal, node)),
    pins: isMarkKind(kind) ? [] : pins.map((path) => toPinText(node, path)),
  };
}

/** The paths of pinned columns. Those that are not paths are ignored. */
export function toPinPaths(pins: readonly string[]): JsonPath[] {
  return pins.flatMap((pin) => {
    const path = parsePath(pin);
    return path === undefined ? [] : [path];
  });
}

type Preview = Pick<RowView, "preview" | "values">;

function toPreview(ring: EventRing, ordinal: number, node: JsonNode | undefined): Preview {
  // Marks are shown without quotes.
  if (node?.kind === "string" && isMarkKind(ring.kind(ordinal))) return { preview: node.value, values: [] };
  if (!node) return { preview: `${ring.data(ordinal, PREVIEW_LENGTH_MAX).replace(/\s+/g, " ")}…`, values: [] };
  const { text, values } = toCompactParts(node, PREVIEW_LENGTH_MAX);
  return { preview: text, values };
}

function toPinText(node: JsonNode | undefined, path: JsonPath): string {
  const found = node && getAtPath(node, path);
  if (!found) return "";
  return found.kind === "string" ? found.value.slice(0, PIN_CHARACTERS * 2) : toCompactText(found, PIN_CHARACTERS);
}

function toChangedPaths(ring: EventRing, ordinal: number, after: JsonNode): Preview | undefined {
  const previous = ring.previous(ordinal);
  const before = previous === undefined ? undefined : parseSmall(ring, previous);
  if (!before) return undefined;
  const changes = diffJson(before, after, PATHS_MAX + 1);
  if (changes.length === 0) return { preview: "no changes", values: [0, 0] };
  const sign = { added: "+", removed: "−", changed: "" };
  const values: number[] = [];
  let preview = "";
  for (const { op, path, ...change } of changes.slice(0, PATHS_MAX)) {
    preview += `${preview === "" ? "" : ", "}${sign[op]}${path || "(whole value)"}`;
    if (!("after" in change) || isBranch(change.after)) continue;
    preview += ": ";
    values.push(preview.length);
    preview += toCompactText(change.after, 40);
    values.push(preview.length);
  }
  // Without values, the paths are all that there is to read.
  return { preview: `${preview}${changes.length > PATHS_MAX ? ", …" : ""}`, values };
}

function isBranch(node: JsonNode): boolean {
  return node.kind === "object" || node.kind === "array";
}

function parseSmall(ring: EventRing, ordinal: number): JsonNode | undefined {
  if (ring.size(ordinal) > PARSED_BYTES_MAX) return undefined;
  const parsed = parseJson(ring.data(ordinal));
  return parsed.ok ? parsed.node : undefined;
}
