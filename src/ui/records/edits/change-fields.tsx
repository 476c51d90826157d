/** The changes of a bulk edit, as rows: a field, what happens to it, and the value. */
"use client";

import { Plus, X } from "lucide-react";
import { useId } from "react";
import { FIELD_CHANGES_MAX } from "@/src/shared/record-limits";
import { Button } from "../../components/button";
import { CONTROL } from "../../components/field";
import type { DraftChange } from "./bulk-request";
import { toTypeWord } from "./staged";

interface Props {
  changes: readonly DraftChange[];
  fields: readonly string[];
  problem: { index: number; field: "field" | "value"; problem: string } | undefined;
  onChange: (changes: readonly DraftChange[]) => void;
}

export function ChangeFields({ changes, fields, problem, onChange }: Props) {
  const id = useId();
  const set = (index: number, part: Partial<DraftChange>) =>
    onChange(changes.map((each, at) => (at === index ? { ...each, ...part } : each)));
  return (
    <div className="flex flex-col gap-2">
      <datalist id={`${id}-fields`}>
        {fields.map((field) => (
          <option key={field} value={field} />
        ))}
      </datalist>
      <ul aria-label="Changes" className="flex flex-col gap-2">
        {changes.map(({ field, op, typed }, index) => {
          const wrong = problem?.index === index ? problem : undefined;
          const describedBy = wrong ? `${id}-${index}-problem` : undefined;
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows have no other identity
            <li key={index} className="flex flex-col gap-1">
              <div className="flex flex-wrap items-center gap-2">
                <input
                  aria-label="Field"
                  aria-invalid={wrong?.field === "field" ? true : undefined}
                  aria-describedby={wrong?.field === "field" ? describedBy : undefined}
                  placeholder="Field, like status"
                  list={`${id}-fields`}
                  value={field}
                  spellCheck={false}
                  autoComplete="off"
                  autoCapitalize="none"
                  onChange={(event) => set(index, { field: event.target.value })}
                  className={`${CONTROL} h-control w-40! px-2.5 font-mono text-data max-sm:w-full!`}
                />
                <select
                  aria-label="What happens to it"
                  value={op}
                  onChange={(event) => set(index, { op: event.target.value === "remove" ? "remove" : "set" })}
                  className={`${CONTROL} h-control w-auto! px-2`}
                >
                  <option value="set">set to</option>
                  <option value="remove">remove</option>
                </select>
                {op === "set" ? (
                  <span className="relative min-w-40 flex-1">
                    <input
                      aria-label="Value"
                      aria-invalid={wrong?.field === "value" ? true : undefined}
                      aria-describedby={wrong?.field === "value" ? describedBy : undefined}
                      placeholder={'done, 20, true, "20", {"a": 1}'}
                      value={typed}
                      spellCheck={false}
                      autoComplete="off"
                      autoCapitalize="none"
                      onChange={(event) => set(index, { typed: event.target.value })}
                      className={`${CONTROL} h-control pr-20 pl-2.5 font-mono text-data`}
                    />
                    <span className="pointer-events-none absolute inset-y-0 right-2.5 grid place-items-center text-data text-muted">
                      {typed.trim() === "" ? "" : toTypeWord(typed)}
                    </span>
                  </span>
                ) : null}
                {changes.length > 1 ? (
                  <Button
                    tone="quiet"
                    square
                    aria-label={`Remove change ${index + 1}`}
                    onClick={() => onChange(changes.toSpliced(index, 1))}
                  >
                    <X className="size-4" aria-hidden="true" />
                  </Button>
                ) : null}
              </div>
              {wrong ? (
                <p id={`${id}-${index}-problem`} role="alert" className="text-delete">
                  {wrong.problem}
                </p>
              ) : null}
            </li>
          );
        })}
      </ul>
      {changes.length < FIELD_CHANGES_MAX ? (
        <div>
          <Button tone="quiet" onClick={() => onChange([...changes, { field: "", op: "set", typed: "" }])}>
            <Plus className="size-4" aria-hidden="true" />
            Another field
          </Button>
        </div>
      ) : null}
    </div>
  );
}
