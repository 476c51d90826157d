/** The differences to the previous version: each path with its value before and after. */
"use client";

import { memo, useMemo } from "react";
import { diffJson, type PathChange } from "../../json/json-diff";
import { toCompactText } from "../../json/json-print";
import { type JsonNode, parseStored } from "../../json/json-tree";
import { JsonView } from "../../json/json-view";
import type { StreamEvent } from "../../stream/stream-event";
import type { PreviousVersion } from "../engine/console-messages";

const CHANGES_MAX = 500;
const VALUE_LENGTH_MAX = 300;

interface Props {
  event: StreamEvent;
  node: JsonNode;
  previous: PreviousVersion;
}

export const ChangesView = memo(function ChangesView({ event, node, previous }: Props) {
  const before = previous.state === "known" ? previous.event : undefined;
  const changes = useMemo(
    () => (event.kind === "update" && before ? diffJson(parseStored(before.data), node, CHANGES_MAX) : []),
    [event.kind, before, node],
  );
  if (event.kind !== "update" || !before) {
    return (
      <div className="flex flex-col gap-3">
        <p className="text-muted">{toSentence(event, previous)}</p>
        <JsonView node={node} />
      </div>
    );
  }
  return (
    <div className="flex flex-col gap-3">
      <p className="text-muted">
        {changes.length === 0
          ? `No changes since the previous version (seq ${before.seq}).`
          : `${changes.length}${changes.length === CHANGES_MAX ? " or more" : ""} ${changes.length === 1 ? "change" : "changes"} since the previous version (seq ${before.seq}).`}
      </p>
      <ul className="flex flex-col divide-y divide-line font-mono text-data leading-5">
        {changes.map((change) => (
          <ChangedPath key={`${change.op} ${change.path}`} change={change} />
        ))}
      </ul>
    </div>
  );
});

function toSentence(event: StreamEvent, previous: PreviousVersion): string {
  if (event.kind === "create") return "New record.";
  if (event.kind === "delete") return "The record was deleted. This is its last state.";
  return previous.state === "unknown"
    ? "Couldn’t load the previous version. This is the new one."
    : "The previous version is no longer in the log. This is the new one.";
}

const MARKS: Record<PathChange["op"], { glyph: string; word: string; colour: string }> = {
  added: { glyph: "+", word: "added", colour: "text-create" },
  removed: { glyph: "−", word: "removed", colour: "text-delete" },
  changed: { glyph: "~", word: "changed", colour: "text-update" },
};

function ChangedPath({ change }: { change: PathChange }) {
  const { glyph, word, colour } = MARKS[change.op];
  return (
    <li className="grid grid-cols-[1rem_minmax(0,1fr)] py-1.5">
      <span className={colour}>
        <span aria-hidden="true">{glyph}</span>
        <span className="sr-only">{word}</span>
      </span>
      <div className="min-w-0">
        <div className="font-medium wrap-anywhere">{change.path || "(the whole value)"}</div>
        {"before" in change ? <Value label="before" node={change.before} colour="text-delete" glyph="−" /> : null}
        {"after" in change ? <Value label="after" node={change.after} colour="text-create" glyph="+" /> : null}
      </div>
    </li>
  );
}

function Value({ label, node, colour, glyph }: { label: string; node: JsonNode; colour: string; glyph: string }) {
  return (
    <div className="grid grid-cols-[1rem_minmax(0,1fr)]">
      <span className={colour} aria-hidden="true">
        {glyph}
      </span>
      <span className="wrap-anywhere whitespace-pre-wrap">
        <span className="sr-only">{label}: </span>
        {toCompactText(node, VALUE_LENGTH_MAX)}
      </span>
    </div>
  );
}
