/** Two wrote to one record: what each changed, path by path, and what can be done. */
"use client";

import { useEffect, useMemo, useRef } from "react";
import type { GridRow } from "../../api/record-rows";
import { Button } from "../../components/button";
import { formatPlural } from "../../format/format-number";
import { parseJson, parseStored } from "../../json/json-tree";
import { type ConflictPath, hasOverlap, toConflict, toValueText } from "./three-way";

interface Props {
  /** JSON texts: what both began with, and mine. */
  base: string;
  mine: string;
  /** The record as it is now; undefined: it was deleted. */
  theirs: GridRow | undefined;
  busy: boolean;
  onKeepMine: () => void;
  onTakeTheirs: () => void;
  onEditOn: () => void;
}

export function ConflictView({ base, mine, theirs, busy, onKeepMine, onTakeTheirs, onEditOn }: Props) {
  const paths = useMemo(() => {
    const parsed = parseJson(mine);
    if (!theirs || !parsed.ok) return [];
    return toConflict({ base: parseStored(base), mine: parsed.node, theirs: parseStored(theirs.data) });
  }, [base, mine, theirs]);
  const alert = useRef<HTMLDivElement>(null);
  // What was pressed to come here is gone.
  useEffect(() => alert.current?.focus(), []);
  const both = paths.filter(({ by }) => by === "both").length;
  return (
    <div className="flex flex-col gap-4">
      <div ref={alert} role="alert" tabIndex={-1} className="rounded-md border border-line-firm px-3 py-2 outline-none">
        <p className="font-medium text-warn">
          {theirs ? "Somebody else changed this record meanwhile" : "Somebody else deleted this record meanwhile"}
        </p>
        <p className="text-muted">{theirs ? toSentence(paths, both) : "Nothing of yours was stored. You can make a new record of it."}</p>
      </div>
      {paths.length > 0 ? <Paths paths={paths} /> : null}
      <div className="flex flex-wrap gap-2">
        <Button tone="primary" busy={busy} onClick={onKeepMine}>
          {theirs ? "Keep mine" : "Create it anew"}
        </Button>
        <Button onClick={onTakeTheirs}>{theirs ? "Take theirs" : "Let it go"}</Button>
        <Button onClick={onEditOn}>Edit on</Button>
      </div>
    </div>
  );
}

function toSentence(paths: readonly ConflictPath[], both: number): string {
  if (paths.length === 0) return "What is stored now is what you wrote.";
  const yours =
    both > 0
      ? `You differ at ${formatPlural(both, "path")}.`
      : hasOverlap(paths)
        ? "Your changes touch each other."
        : "Your changes don’t touch each other.";
  return `Nothing of yours was stored yet. ${yours} Keeping yours replaces the whole record; edit on to take over parts of theirs.`;
}

const WORDS: Readonly<Record<ConflictPath["by"], string>> = {
  mine: "you changed it",
  theirs: "they changed it",
  both: "both changed it",
  same: "both changed it alike",
};

function Paths({ paths }: { paths: readonly ConflictPath[] }) {
  return (
    <ul aria-label="What differs" className="flex flex-col divide-y divide-line border-y border-line">
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
