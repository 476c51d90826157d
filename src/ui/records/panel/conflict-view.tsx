/** A conflict between two edits of a record: mine and theirs side by side, path by path, and buttons to resolve it. */
"use client";

import { useEffect, useMemo, useRef } from "react";
import type { GridRow } from "../../api/record-rows";
import { Button } from "../../components/button";
import { formatPlural } from "../../format/format-number";
import { parseJson, parseStored } from "../../json/json-tree";
import { type ConflictPath, hasOverlap, toConflict, toValueText } from "./three-way";

interface Props {
  /** JSON texts: the common base, and my version. */
  base: string;
  mine: string;
  /** The current record; undefined if it was deleted. */
  theirs: GridRow | undefined;
  busy: boolean;
  onKeepMine: () => void;
  onTakeTheirs: () => void;
  onKeepEditing: () => void;
}

export function ConflictView({ base, mine, theirs, busy, onKeepMine, onTakeTheirs, onKeepEditing }: Props) {
  const paths = useMemo(() => {
    const parsed = parseJson(mine);
    if (!theirs || !parsed.ok) return [];
    return toConflict({ base: parseStored(base), mine: parsed.node, theirs: parseStored(theirs.data) });
  }, [base, mine, theirs]);
  const alert = useRef<HTMLDivElement>(null);
  // The button that had the focus no longer exists.
  useEffect(() => alert.current?.focus(), []);
  return (
    <div className="flex flex-col gap-4">
      <div
        ref={alert}
        role="alert"
        tabIndex={-1}
        className="rounded-md border border-line-firm px-3 py-2 font-medium text-warn outline-none"
      >
        {theirs
          ? `Someone else changed this record while you were editing, so your changes aren’t saved${toCount(paths)}.`
          : "Someone else deleted this record while you were editing, so your changes aren’t saved."}
      </div>
      {paths.length > 0 ? <Paths paths={paths} /> : null}
      <div className="flex flex-wrap gap-2">
        <Button tone="primary" onClick={onKeepEditing}>
          Keep editing
        </Button>
        <Button onClick={onTakeTheirs}>{theirs ? "Take theirs" : "Discard mine"}</Button>
        <Button busy={busy} title={theirs ? "Replaces the whole record, with their changes" : undefined} onClick={onKeepMine}>
          {theirs ? "Overwrite with mine" : "Create new record"}
        </Button>
      </div>
    </div>
  );
}

/** How many fields both sides changed. */
function toCount(paths: readonly ConflictPath[]): string {
  const both = paths.filter(({ by }) => by === "both").length;
  if (paths.length === 0) return "; it is the same as yours now";
  if (both === 0) return hasOverlap(paths) ? "; your changes overlap" : "; no field conflicts";
  return `; ${formatPlural(both, "field")} ${both === 1 ? "conflicts" : "conflict"}`;
}

const WORDS: Readonly<Record<ConflictPath["by"], string>> = {
  mine: "changed by you",
  theirs: "changed by them",
  both: "conflict",
  same: "same change",
};

function Paths({ paths }: { paths: readonly ConflictPath[] }) {
  return (
    <div>
      <p aria-hidden="true" className="grid grid-cols-2 gap-x-3 border-b border-line pb-1 text-muted">
        <span>Mine</span>
        <span>Theirs</span>
      </p>
      <ul aria-label="Differences" className="flex flex-col divide-y divide-line border-b border-line">
        {paths.map((path) => (
          <li key={path.path} className="flex flex-col gap-1 py-2">
            <div className="flex flex-wrap items-baseline justify-between gap-x-3">
              <span className="font-mono text-data font-medium wrap-anywhere">{path.path || "(the whole value)"}</span>
              <span className={path.by === "both" ? "text-warn" : "text-muted"}>{WORDS[path.by]}</span>
            </div>
            <dl className="grid grid-cols-2 gap-x-3 font-mono text-data leading-5">
              <Value term="Mine" text={toValueText(path.mine)} strong={path.by !== "theirs"} />
              <Value term="Theirs" text={toValueText(path.theirs)} strong={path.by !== "mine"} />
            </dl>
            <p className="font-mono text-data wrap-anywhere text-muted">
              <span className="font-sans">Before</span> {toValueText(path.base)}
            </p>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Value({ term, text, strong }: { term: string; text: string; strong: boolean }) {
  return (
    <div className="min-w-0">
      <dt className="sr-only">{term}</dt>
      <dd className={`rounded-xs px-1 wrap-anywhere ${strong ? "bg-inset" : "text-muted"}`}>{text}</dd>
    </div>
  );
}
