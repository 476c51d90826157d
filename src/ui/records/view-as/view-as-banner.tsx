/** Says above the grid whose view it shows. */
"use client";

import { Eye } from "lucide-react";
import { ANONYMOUS_LABEL } from "../../api/viewer";
import { Button } from "../../components/button";

interface Props {
  /** Undefined: nobody is signed in. */
  name: string | undefined;
  onChange: () => void;
  onStop: () => void;
}

export function ViewAsBanner({ name, onChange, onStop }: Props) {
  return (
    <section
      aria-label="View as"
      className="flex min-h-11 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line bg-selected px-4 py-1.5 max-sm:px-3"
    >
      <Eye className="size-4 shrink-0" aria-hidden="true" />
      <p role="status" className="min-w-0 wrap-anywhere">
        {name === undefined ? (
          <>
            You see what people see who are <strong className="font-semibold">{ANONYMOUS_LABEL.toLowerCase()}</strong>.
          </>
        ) : (
          <>
            You see what <strong className="font-semibold">{name}</strong> sees.
          </>
        )}{" "}
        <span className="text-muted">Read-only.</span>
      </p>
      <div className="ml-auto flex flex-wrap gap-2 max-sm:ml-0">
        <Button tone="quiet" onClick={onChange}>
          Change
        </Button>
        <Button onClick={onStop}>Show all records</Button>
      </div>
    </section>
  );
}
