/** A switch: a native checkbox with the role and style of a switch. */
import { type ReactNode, useId } from "react";
import { classNames } from "./class-names";

export function Switch({
  label,
  hint,
  checked,
  disabled = false,
  onChange,
}: {
  label: string;
  hint?: ReactNode;
  checked: boolean;
  disabled?: boolean;
  onChange: (checked: boolean) => void;
}) {
  const id = useId();
  return (
    <div className="flex items-start justify-between gap-6 py-3">
      <div className="min-w-0">
        <label htmlFor={id} className={classNames("font-medium", disabled && "opacity-55")}>
          {label}
        </label>
        {hint ? (
          <p id={`${id}-hint`} className="text-muted">
            {hint}
          </p>
        ) : null}
      </div>
      <span className="relative mt-0.5 inline-flex h-5 w-8 shrink-0 pointer-coarse:h-7 pointer-coarse:w-12">
        <input
          id={id}
          type="checkbox"
          role="switch"
          checked={checked}
          aria-checked={checked}
          disabled={disabled}
          aria-describedby={hint ? `${id}-hint` : undefined}
          onChange={(event) => onChange(event.target.checked)}
          className="peer absolute inset-0 m-0 appearance-none rounded-full border border-control bg-inset transition-colors duration-[120ms] checked:border-text checked:bg-text disabled:opacity-45"
        />
        <span
          aria-hidden="true"
          className="pointer-events-none absolute top-1 left-1 size-3 rounded-full bg-control transition-[translate,background-color] duration-[120ms] peer-checked:translate-x-3 peer-checked:bg-bg peer-disabled:opacity-45 pointer-coarse:size-5 pointer-coarse:peer-checked:translate-x-5"
        />
      </span>
    </div>
  );
}
