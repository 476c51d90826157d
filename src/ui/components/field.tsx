/** A labelled field with a hint or a problem below, linked to the control for screen readers. */
import { type ComponentProps, type ReactNode, useId } from "react";
import { classNames } from "./class-names";

export const CONTROL =
  "w-full rounded-md border border-control bg-surface text-text pointer-coarse:text-[1rem] transition-colors duration-[120ms] hover:border-muted focus-visible:outline-offset-[-1px] aria-invalid:border-delete disabled:opacity-55";

interface FieldShape {
  label: string;
  /** Hidden while there is a problem. */
  hint?: ReactNode | undefined;
  problem?: string | undefined;
  /** At the end of the label's line. */
  aside?: ReactNode;
  hideLabel?: boolean;
}

/** The frame of a control. `children` renders the control with the given attributes. */
export function Field({
  label,
  hint,
  problem,
  aside,
  hideLabel,
  children,
}: FieldShape & {
  children: (attributes: { id: string; "aria-invalid": boolean | undefined; "aria-describedby": string | undefined }) => ReactNode;
}) {
  const id = useId();
  const described = problem ? `${id}-problem` : hint ? `${id}-hint` : undefined;
  return (
    <div className="flex flex-col gap-1.5">
      <div className={classNames("flex items-baseline justify-between gap-3", hideLabel && "sr-only")}>
        <label htmlFor={id} className="font-medium">
          {label}
        </label>
        {aside}
      </div>
      {children({ id, "aria-invalid": problem ? true : undefined, "aria-describedby": described })}
      {problem ? (
        <p id={`${id}-problem`} className="animate-appear text-delete">
          {problem}
        </p>
      ) : hint ? (
        <p id={`${id}-hint`} className="text-muted">
          {hint}
        </p>
      ) : null}
    </div>
  );
}

type TextFieldProps = FieldShape & Omit<ComponentProps<"input">, "className" | "id"> & { mono?: boolean; big?: boolean };

export function TextField({ label, hint, problem, aside, hideLabel, mono, big, ...props }: TextFieldProps) {
  return (
    <Field label={label} hint={hint} problem={problem} aside={aside} hideLabel={hideLabel ?? false}>
      {(attributes) => (
        <input
          spellCheck={false}
          autoComplete="off"
          {...props}
          {...attributes}
          className={classNames(CONTROL, big ? "h-11 px-3.5 text-prose" : "h-control px-2.5", mono && "font-mono text-data")}
        />
      )}
    </Field>
  );
}

type TextAreaFieldProps = FieldShape & Omit<ComponentProps<"textarea">, "className" | "id"> & { mono?: boolean };

export function TextAreaField({ label, hint, problem, aside, hideLabel, mono, ...props }: TextAreaFieldProps) {
  return (
    <Field label={label} hint={hint} problem={problem} aside={aside} hideLabel={hideLabel ?? false}>
      {(attributes) => (
        <textarea
          rows={3}
          spellCheck={false}
          {...props}
          {...attributes}
          className={classNames(CONTROL, "min-h-16 px-2.5 py-1.5", mono && "font-mono text-data")}
        />
      )}
    </Field>
  );
}
