/** A field for a name with a restricted form. When the field loses the focus, it suggests a valid name. */
"use client";

import { type ComponentProps, useRef, useState } from "react";
import { Button } from "../components/button";
import { TextField } from "../components/field";

type Props = Omit<ComponentProps<typeof TextField>, "ref" | "aside" | "onBlur"> & {
  /** Returns a valid name for a text, or undefined if there is none. */
  suggest: (text: string) => string | undefined;
};

export function NameField({ suggest, ...props }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const [suggestion, setSuggestion] = useState<string>();
  const offer = (text: string) => {
    const name = suggest(text);
    setSuggestion(name === text ? undefined : name);
  };
  const take = (name: string) => {
    if (!input.current) return;
    input.current.value = name;
    // As typing does: the form checks the name again, and keeps it.
    input.current.dispatchEvent(new Event("input", { bubbles: true }));
    input.current.focus();
    setSuggestion(undefined);
  };
  return (
    <>
      <TextField {...props} ref={input} onBlur={(event) => offer(event.target.value.trim())} />
      {suggestion === undefined ? null : (
        <div className="-mt-2 flex min-w-0">
          <Button onClick={() => take(suggestion)}>
            <span className="truncate">Use “{suggestion}”</span>
          </Button>
        </div>
      )}
    </>
  );
}
