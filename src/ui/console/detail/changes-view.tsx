/** The differences to the previous version: each path with its value before and after. */
"use client";

import { memo, useMemo } from "react";
import { diffJson } from "../../json/json-diff";
import { type JsonNode, parseStored } from "../../json/json-tree";
import { JsonView } from "../../json/json-view";
import type { OnValue } from "../../json/value-menu";
import type { StreamEvent } from "../../stream/stream-event";
import type { PreviousVersion } from "../engine/console-messages";
import { ChangeList } from "./change-list";

const CHANGES_MAX = 500;

interface Props {
  event: StreamEvent;
  node: JsonNode;
  previous: PreviousVersion;
  onValue: OnValue;
}

export const ChangesView = memo(function ChangesView({ event, node, previous, onValue }: Props) {
  const before = previous.state === "known" ? previous.event : undefined;
  const changes = useMemo(
    () => (event.kind === "update" && before ? diffJson(parseStored(before.data), node, CHANGES_MAX) : []),
    [event.kind, before, node],
  );
  if (event.kind !== "update" || !before) {
    return (
      <div className="flex flex-col gap-3">
        <p className="text-muted">{toSentence(event, previous)}</p>
        <JsonView node={node} onValue={onValue} />
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
      <ChangeList changes={changes} onValue={onValue} />
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
