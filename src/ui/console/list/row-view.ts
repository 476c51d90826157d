/** Turns an event into what its row shows. Parses the data of that one event, and of the one before it. Pure. */

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
  /** Of an update whose version before is known: the paths that differ. Else the data, on one line. Of a mark: what it says. */
  preview: string;
  isPaths: boolean;
}

/** More does not fit in the widest window. */
export const PREVIEW_LENGTH_MAX = 400;
/** Longer data is not parsed for a row; its beginning is shown as it is. */
const PARSED_BYTES_MAX = 64 * 1024;
const PATHS_MAX = 12;

/** The row of an event that the ring holds. */
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
  // A mark's text stands in the row without quotes.
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
  if (changes.length === 0) return "no difference";
  const sign = { added: "+", removed: "−", changed: "" };
  const shown = changes.slice(0, PATHS_MAX).map(({ op, path, ...values }) => {
    const value = "after" in values && !isBranch(values.after) ? `: ${toCompactText(values.after, 40)}` : "";
    return `${sign[op]}${path || "(whole)"}${value}`;
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
