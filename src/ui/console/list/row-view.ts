/** Turns an event into the content of its row. Parses the data of the event and of the previous version. Pure. */

import { diffJson } from "../../json/json-diff";
import { toCompactText } from "../../json/json-print";
import { type JsonNode, parseJson } from "../../json/json-tree";
import { type EventKind, isMarkKind } from "../../stream/stream-event";
import type { EventRing } from "../engine/event-ring";

export interface RowView {
  ordinal: number;
  kind: EventKind;
  seq: number;
  atMs: number;
  recordId: string;
  /** Bytes of data. */
  size: number;
  /** For an update whose previous version is buffered: the changed paths. For a mark: its sentence. Otherwise the data on one line. */
  preview: string;
  isPaths: boolean;
}

/** As much as fits in the widest window. */
export const PREVIEW_LENGTH_MAX = 400;
/** Longer data is not parsed. The row shows the start of the text instead. */
const PARSED_BYTES_MAX = 64 * 1024;
const PATHS_MAX = 12;

/** The row of a buffered event. */
export function toRowView(ring: EventRing, ordinal: number): RowView {
  const kind = ring.kind(ordinal);
  const paths = kind === "update" ? toChangedPaths(ring, ordinal) : undefined;
  return {
    ordinal,
    kind,
    seq: ring.seq(ordinal),
    atMs: ring.atMs(ordinal),
    recordId: ring.recordId(ordinal),
    size: ring.size(ordinal),
    preview: paths ?? toPreview(ring, ordinal),
    isPaths: paths !== undefined,
  };
}

function toPreview(ring: EventRing, ordinal: number): string {
  const node = parseSmall(ring, ordinal);
  // Marks are shown without quotes.
  if (node?.kind === "string" && isMarkKind(ring.kind(ordinal))) return node.value;
  return node ? toCompactText(node, PREVIEW_LENGTH_MAX) : `${ring.data(ordinal, PREVIEW_LENGTH_MAX).replace(/\s+/g, " ")}…`;
}

function toChangedPaths(ring: EventRing, ordinal: number): string | undefined {
  const previous = ring.previous(ordinal);
  if (previous === undefined) return undefined;
  const before = parseSmall(ring, previous);
  const after = parseSmall(ring, ordinal);
  if (!before || !after) return undefined;
  const changes = diffJson(before, after, PATHS_MAX + 1);
  if (changes.length === 0) return "no changes";
  const sign = { added: "+", removed: "−", changed: "" };
  const shown = changes.slice(0, PATHS_MAX).map(({ op, path, ...values }) => {
    const value = "after" in values && !isBranch(values.after) ? `: ${toCompactText(values.after, 40)}` : "";
    return `${sign[op]}${path || "(whole value)"}${value}`;
  });
  return `${shown.join(", ")}${changes.length > PATHS_MAX ? ", …" : ""}`;
}

function isBranch(node: JsonNode): boolean {
  return node.kind === "object" || node.kind === "array";
}

function parseSmall(ring: EventRing, ordinal: number): JsonNode | undefined {
  if (ring.size(ordinal) > PARSED_BYTES_MAX) return undefined;
  const parsed = parseJson(ring.data(ordinal));
  return parsed.ok ? parsed.node : undefined;
}
