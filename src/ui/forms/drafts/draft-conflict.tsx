/** Shown if an object was changed by someone else since the unsaved changes were made: the fields that differ, and buttons to resolve it. */
"use client";

import { Button } from "../../components/button";

export interface DraftDifference {
  label: string;
  /** The value that the changes were made to, mine, and the one that is stored now, as texts. */
  before: string;
  mine: string;
  theirs: string;
}

interface Props {
  /** As in “Someone else changed {what}”. */
  what: string;
  differences: readonly DraftDifference[];
  onKeepMine: () => void;
  onTakeTheirs: () => void;
}

/** A longer text is cut. */
const SHOWN_MAX = 400;

export function DraftConflict({ what, differences, onKeepMine, onTakeTheirs }: Props) {
  return (
    <section aria-label="Conflict" className="flex flex-col gap-3 rounded-md border border-line-firm px-3 py-2">
      <div role="alert">
        <p className="font-medium text-warn">Someone else changed {what} while you were editing.</p>
        <p className="text-muted">Your changes aren’t saved. Choose which ones to continue with.</p>
      </div>
      <ul aria-label="Differences" className="flex flex-col divide-y divide-line border-y border-line">
        {differences.map(({ label, before, mine, theirs }) => (
          <li key={label} className="flex flex-col gap-1 py-2">
            <span className="font-medium wrap-anywhere">{label}</span>
            <dl className="grid grid-cols-[3.5rem_minmax(0,1fr)] gap-x-2 font-mono text-data leading-5">
              <Value term="Before" text={before} />
              <Value term="Mine" text={mine} isChanged={mine !== before} />
              <Value term="Theirs" text={theirs} isChanged={theirs !== before} />
            </dl>
          </li>
        ))}
      </ul>
      <div className="flex flex-wrap gap-2">
        <Button onClick={onKeepMine}>Keep mine</Button>
        <Button onClick={onTakeTheirs}>Take theirs</Button>
      </div>
    </section>
  );
}

function Value({ term, text, isChanged = false }: { term: string; text: string; isChanged?: boolean }) {
  const shown = text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
  return (
    <>
      <dt className="font-sans text-muted">{term}</dt>
      <dd className={`whitespace-pre-wrap wrap-anywhere ${isChanged ? "" : "text-muted"}`}>{shown === "" ? "(empty)" : shown}</dd>
    </>
  );
}
