/** The field for the console's filter expression (G27). Says below it what is wrong, and where. */
"use client";

import { X } from "lucide-react";
import { type RefObject, useEffect, useId, useState } from "react";
import { CONTROL } from "../components/field";
import { type EventFilter, parseFilterText } from "./engine/event-filter";
import { formatRange, liftRange } from "./log/typed-range";
import { toTooltip } from "./shortcuts";

/** A problem is shown once nothing was typed for this long, because what is being typed is rarely complete. */
const TYPING_MS = 600;

interface Props {
  filter: EventFilter;
  inputRef: RefObject<HTMLInputElement | null>;
  /** Why the filter could not be applied, although it is well-formed. */
  problem: string | undefined;
  onFilter: (filter: EventFilter) => void;
}

export function FilterField({ filter, inputRef, problem: refused, onFilter }: Props) {
  const id = useId();
  const { text } = filter;
  const parsed = parseFilterText(filter);
  const local = parsed.ok ? undefined : liftRange(text, Date.now());
  const problem = parsed.ok
    ? refused
    : local
      ? `Press Enter to show ${formatRange(local.range)} only.`
      : `Column ${parsed.problem.column}: ${parsed.problem.message}`;
  const lift = () => {
    const lifted = liftRange(text, Date.now());
    if (lifted) onFilter({ ...filter, ...lifted });
  };
  const isShown = useSettled(text) && problem !== undefined;
  return (
    <div className="relative min-w-0 flex-1 sm:max-w-96">
      <input
        ref={inputRef}
        type="search"
        aria-label="Filter"
        aria-invalid={isShown ? true : undefined}
        aria-describedby={isShown ? id : undefined}
        placeholder={filter.isProject ? "Filter: endpoint:orders, hall, op:delete" : "Filter: hall, temperature > 20, op:delete"}
        title={toTooltip("filter")}
        value={text}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="none"
        onChange={(event) => onFilter({ ...filter, text: event.target.value })}
        onBlur={lift}
        onKeyDown={(event) => {
          if (event.key === "Enter") lift();
        }}
        className={`${CONTROL} h-control px-2.5 pr-8`}
      />
      {text === "" ? null : (
        <button
          type="button"
          aria-label="Clear filter"
          onClick={() => {
            onFilter({ ...filter, text: "" });
            inputRef.current?.focus();
          }}
          className="absolute inset-y-0 right-0 grid h-control w-8 place-items-center rounded-md text-muted hover:text-text pointer-coarse:w-11"
        >
          <X className="size-3.5" aria-hidden="true" />
        </button>
      )}
      {isShown ? (
        <p
          id={id}
          role="alert"
          className="absolute top-full right-0 z-10 mt-1 w-max min-w-full max-w-[min(24rem,calc(100vw-2rem))] rounded-md border border-line-firm bg-surface px-2.5 py-1.5 text-delete"
        >
          {problem}
        </p>
      ) : null}
    </div>
  );
}

/** True once `text` has not changed for a while. */
function useSettled(text: string): boolean {
  const [settled, setSettled] = useState<string>();
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled === text;
}
