/** The editor of one cell. Enter and Tab stage the value, Escape leaves it. */
"use client";

import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { parseCell, toTypeWord } from "./staged";

interface Props {
  /** The field, for screen readers. */
  label: string;
  initial: string;
  /** `text`: JSON text; undefined removes the field. `by`: where the active cell goes, in rows and columns. */
  onDone: (text: string | undefined, by: { rows: number; columns: number }) => void;
  onCancel: () => void;
}

export function CellEditor({ label, initial, onDone, onCancel }: Props) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState(initial);
  const [problem, setProblem] = useState<string>();
  useEffect(() => input.current?.select(), []);
  const isDone = useRef(false);
  const finish = (by: { rows: number; columns: number }): boolean => {
    const parsed = parseCell(typed);
    if (!parsed.ok) {
      setProblem(parsed.problem);
      return false;
    }
    isDone.current = true;
    if (typed === initial && by.rows === 0 && by.columns === 0) onCancel();
    else onDone(parsed.text, by);
    return true;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // The grid's own keys do not apply while one types.
    event.stopPropagation();
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Escape") {
      isDone.current = true;
      onCancel();
    } else if (event.key === "Enter") finish({ rows: event.shiftKey ? -1 : 1, columns: 0 });
    else if (event.key === "Tab") finish({ rows: 0, columns: event.shiftKey ? -1 : 1 });
    else return;
    event.preventDefault();
  };
  return (
    <span data-cell-editor="" className="absolute inset-y-0 left-0 block w-full min-w-48">
      <input
        ref={input}
        // biome-ignore lint/a11y/noAutofocus: the user asked to edit this cell
        autoFocus
        aria-label={`${label}, new value`}
        aria-invalid={problem ? true : undefined}
        aria-describedby={id}
        value={typed}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="none"
        onChange={(event) => {
          setTyped(event.target.value);
          setProblem(undefined);
        }}
        onKeyDown={onKeyDown}
        // A click elsewhere keeps what was typed, if it is a value.
        onBlur={() => {
          if (!isDone.current && !finish({ rows: 0, columns: 0 })) onCancel();
        }}
        className="h-7 w-full rounded-xs border border-focus bg-surface px-2 font-mono text-data text-text outline-none aria-invalid:border-delete"
      />
      <span
        id={id}
        className={`absolute top-full left-0 mt-0.5 max-w-96 rounded-sm border border-line-firm bg-surface px-2 font-sans text-data leading-6 whitespace-normal ${problem ? "text-delete" : "text-muted"}`}
        role={problem ? "alert" : undefined}
      >
        {problem ?? toTypeWord(typed)}
      </span>
    </span>
  );
}
