/** Shown instead of an empty list: one sentence, one action, one snippet. */
import type { ReactNode } from "react";

export function EmptyState({ sentence, action, children }: { sentence: string; action?: ReactNode; children?: ReactNode }) {
  return (
    <div className="flex flex-col items-start gap-4 rounded-md border border-line bg-surface px-6 py-8">
      <p className="text-prose">{sentence}</p>
      {action}
      {children ? <div className="w-full max-w-[40rem]">{children}</div> : null}
    </div>
  );
}
