/** A choice among a few options: native radio buttons in a row. */
import { useId } from "react";
import { classNames } from "./class-names";

export function Segments<Value extends string>({
  label,
  hideLabel = false,
  hint,
  value,
  options,
  onChange,
}: {
  label: string;
  hideLabel?: boolean;
  hint?: string | undefined;
  value: Value;
  options: readonly { value: Value; label: string }[];
  onChange: (value: Value) => void;
}) {
  const name = useId();
  return (
    <fieldset className="flex min-w-0 flex-col gap-1.5" aria-describedby={hint ? `${name}-hint` : undefined}>
      <legend className={classNames("mb-1.5 font-medium", hideLabel && "sr-only")}>{label}</legend>
      <div className="inline-flex h-control w-fit max-w-full rounded-md border border-control bg-surface p-0.5">
        {options.map((option) => (
          <label
            key={option.value}
            className="relative inline-flex min-w-0 items-center rounded-sm px-2.5 text-muted transition-colors duration-[120ms] hover:text-text has-checked:bg-text has-checked:text-bg has-focus-visible:outline-2 has-focus-visible:outline-offset-1 has-focus-visible:outline-focus"
          >
            <input
              type="radio"
              name={name}
              value={option.value}
              checked={option.value === value}
              onChange={() => onChange(option.value)}
              className="absolute inset-0 m-0 appearance-none opacity-0"
            />
            <span className="truncate">{option.label}</span>
          </label>
        ))}
      </div>
      {hint ? (
        <p id={`${name}-hint`} className="text-muted">
          {hint}
        </p>
      ) : null}
    </fieldset>
  );
}
