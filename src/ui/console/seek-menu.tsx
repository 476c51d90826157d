/** A menu that moves the list to a time, a seq, a cursor or an end of the log (G27). */
"use client";

import { History } from "lucide-react";
import { type FormEvent, useId, useState } from "react";
import type { TimeRange } from "@/src/shared/filters/time-range";
import { Button, buttonClass } from "../components/button";
import { CONTROL } from "../components/field";
import { Menu, MenuItem, MenuSeparator } from "../components/overlay/menu";
import { type LogPlace, readPlace } from "./log/log-place";
import { readTypedRange } from "./log/typed-range";

const AGES = [
  { label: "Last 5 minutes", ageMs: 5 * 60_000 },
  { label: "Last hour", ageMs: 60 * 60_000 },
] as const;

/** `onSeek` is called with `newest` for the end of the log. */
export function SeekMenu({
  onSeek,
  onRange,
}: {
  onSeek: (place: LogPlace | { kind: "newest" }) => void;
  onRange: (range: TimeRange) => void;
}) {
  const id = useId();
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<string>();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const range = readTypedRange(text, Date.now());
    const parsed = range ?? readPlace(text, Date.now());
    if (!parsed.ok) return setProblem(parsed.problem);
    event.currentTarget.closest<HTMLElement>("[popover]")?.hidePopover();
    setText("");
    if ("range" in parsed) onRange(parsed.range);
    else onSeek(parsed.place);
  };
  return (
    <Menu
      label="Go to a place in the log"
      side="below"
      triggerClass={buttonClass("quiet", { square: true })}
      trigger={<History className="size-4" aria-hidden="true" />}
    >
      <form noValidate onSubmit={submit} className="flex w-68 flex-col gap-1.5 p-2">
        <label htmlFor={id} className="font-medium">
          Time, age, seq or cursor
        </label>
        <div className="flex gap-2">
          <input
            id={id}
            value={text}
            placeholder="14:30"
            spellCheck={false}
            autoComplete="off"
            autoCapitalize="none"
            aria-invalid={problem ? true : undefined}
            aria-describedby={`${id}-hint`}
            onChange={(event) => {
              setText(event.target.value);
              setProblem(undefined);
            }}
            className={`${CONTROL} h-control min-w-0 px-2.5 font-mono text-data`}
          />
          <Button type="submit">Go</Button>
        </div>
        <p id={`${id}-hint`} role={problem ? "alert" : undefined} className={problem ? "text-delete" : "text-muted"}>
          {problem ?? "For example 14:30, 14:30..14:35, 2026-01-31 14:30, 5 min or 41200."}
        </p>
      </form>
      <MenuSeparator />
      {AGES.map(({ label, ageMs }) => (
        <MenuItem key={label} onClick={() => onSeek({ kind: "time", timeMs: Date.now() - ageMs })}>
          {label}
        </MenuItem>
      ))}
      <MenuItem onClick={() => onSeek({ kind: "start" })}>Beginning of the log</MenuItem>
      <MenuItem onClick={() => onSeek({ kind: "newest" })}>Newest</MenuItem>
    </Menu>
  );
}
