/** A short label for a state. The colour repeats what the word says. */
import type { ReactNode } from "react";

const TONES = { plain: "text-muted", live: "text-live", warn: "text-warn", danger: "text-delete" };

export function Badge({ tone = "plain", children }: { tone?: keyof typeof TONES; children: ReactNode }) {
  return (
    <span
      className={`inline-flex h-5 items-center rounded-sm border border-line-firm px-1.5 text-data font-medium whitespace-nowrap ${TONES[tone]}`}
    >
      {children}
    </span>
  );
}
