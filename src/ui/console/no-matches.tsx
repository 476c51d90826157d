/** Shown instead of the list while the filter hides everything. */
import { Button } from "../components/button";
import { formatCount } from "../format/format-number";
import type { Flush } from "./engine/console-messages";

export function NoMatches({ flush: { search, total, history }, onClear }: { flush: Flush; onClear: () => void }) {
  return (
    <div className="flex flex-1 flex-col items-center gap-3 px-4 pt-[16dvh] text-center">
      <p className="text-prose">{toSentence(search, total, history)}</p>
      <Button onClick={onClear}>Clear filter</Button>
    </div>
  );
}

function toSentence(search: Flush["search"], total: number, history: Flush["history"]): string {
  if (search?.state === "running") return "Nothing found yet. Searching older changes…";
  if (search?.state === "complete") return `No changes match: 0 of ${formatCount(search.total)}.`;
  if (search) return "Nothing found yet.";
  return history === "complete"
    ? `No changes match: 0 of ${formatCount(total)}.`
    : `No changes match among the newest ${formatCount(total)}.`;
}
