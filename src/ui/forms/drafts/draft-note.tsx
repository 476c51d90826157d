/** Says that unsaved changes were restored, with a button to discard them. */
"use client";

import { Button } from "../../components/button";
import { formatMoment } from "../../format/format-time";

export function DraftNote({ restoredAtMs, onDiscard }: { restoredAtMs: number | undefined; onDiscard: () => void }) {
  if (restoredAtMs === undefined) return null;
  return (
    <div
      role="status"
      className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1 rounded-md border border-line-firm py-1 pr-1 pl-3 text-warn"
    >
      <p>Your unsaved changes of {formatMoment(restoredAtMs)} were restored.</p>
      <Button tone="quiet" onClick={onDiscard}>
        Discard
      </Button>
    </div>
  );
}
