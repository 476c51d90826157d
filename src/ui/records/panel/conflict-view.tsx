/** A conflict between two edits of a record: what each side changed, path by path, and buttons to resolve it. */
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
  const both = paths.filter(({ by }) => by === "both").length;
  return (
    <div className="flex flex-col gap-4">
      <div ref={alert} role="alert" tabIndex={-1} className="rounded-md border border-line-firm px-3 py-2 outline-none">
        <p className="font-medium text-warn">
          {theirs ? "Someone else changed this record while you were editing." : "Someone else deleted this record while you were editing."}
        </p>
        <p className="text-muted">
          {theirs ? toSentence(paths, both) : "Your changes aren’t saved. You can create a new record from them."}
        </p>
      </div>
      {paths.length > 0 ? <Paths paths={paths} /> : null}
      <div className="flex flex-wrap gap-2">
        <Button tone="primary" busy={busy} onClick={onKeepMine}>
          {theirs ? "Keep mine" : "Create new record"}
        </Button>
        <Button onClick={onTakeTheirs}>{theirs ? "Take theirs" : "Discard mine"}</Button>
        <Button onClick={onKeepEditing}>Keep editing</Button>
      </div>
    </div>
  );
}

function toSentence(paths: readonly ConflictPath[], both: number): string {
  if (paths.length === 0) return "The stored record is the same as yours.";
  const overlap =
    both > 0
      ? `${formatPlural(both, "field")} ${both === 1 ? "conflicts" : "conflict"}.`
      : hasOverlap(paths)
        ? "Your changes overlap."
        : "Your changes don’t overlap.";
  return `Your changes aren’t saved. ${overlap} “Keep mine” overwrites the whole record; keep editing to merge.`;
}

const WORDS: Readonly<Record<ConflictPath["by"], string>> = {
  mine: "changed by you",
  theirs: "changed by them",
  both: "conflict",
  same: "same change",
};

function Paths({ paths }: { paths: readonly ConflictPath[] }) {
  return (
    <ul aria-label="Differences" className="flex flex-col divide-y divide-line border-y border-line">
      {paths.map((path) => (
        <li key={path.path} className="flex flex-col gap-1 py-2">
          <div className="flex flex-wrap items-baseline justify-between gap-x-3">
            <span className="font-mono text-data font-medium wrap-anywhere">{path.path || "(the whole value)"}</span>
            <span className={path.by === "both" ? "text-warn" : "text-muted"}>{WORDS[path.by]}</span>
          </div>
          <dl className="grid grid-cols-[3.5rem_minmax(0,1fr)] gap-x-2 font-mono text-data leading-5">
            <Value term="Before" text={toValueText(path.base)} />
            <Value term="Mine" text={toValueText(path.mine)} strong={path.by === "mine" || path.by === "both"} />
            <Value term="Theirs" text={toValueText(path.theirs)} strong={path.by === "theirs" || path.by === "both"} />
          </dl>
        </li>
      ))}
    </ul>
  );
}

function Value({ term, text, strong = false }: { term: string; text: string; strong?: boolean }) {
  return (
    <>
      <dt className="font-sans text-muted">{term}</dt>
      <dd className={`wrap-anywhere ${strong ? "" : "text-muted"}`}>{text}</dd>
    </>
  );
}
