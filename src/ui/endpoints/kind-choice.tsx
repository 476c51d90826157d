/** Selects the kind of an endpoint: native radio buttons with a description each. */
import { useId } from "react";
import type { ManagedEndpoint } from "@/src/shared/management/schemas";

export type EndpointKind = ManagedEndpoint["kind"];

export const KIND_LABELS: Readonly<Record<EndpointKind, string>> = { data: "Data", authentication: "Authentication", email: "E-mail" };

export const KIND_HINTS: Readonly<Record<EndpointKind, string>> = {
  data: "Stores JSON and files, and streams every change.",
  email: "Sends e-mails through your mail server, and keeps a record of each with the state of its delivery.",
  authentication: "Registers the users of your app and logs them in. Their tokens give access to the project’s secure endpoints.",
};

const KINDS = ["data", "authentication", "email"] as const satisfies readonly EndpointKind[];

export function KindChoice({ value, onChange }: { value: EndpointKind; onChange: (kind: EndpointKind) => void }) {
  const name = useId();
  return (
    <fieldset className="flex min-w-0 flex-col gap-1.5">
      <legend className="mb-1.5 font-medium">Kind</legend>
      {KINDS.map((kind) => (
        <label
          key={kind}
          className="relative flex items-start gap-2.5 rounded-md border border-control px-3 py-2 transition-colors duration-[120ms] hover:border-muted has-checked:border-text has-focus-visible:outline-2 has-focus-visible:outline-offset-1 has-focus-visible:outline-focus"
        >
          <input
            type="radio"
            name={name}
            value={kind}
            checked={kind === value}
            aria-describedby={`${name}-${kind}`}
            onChange={() => onChange(kind)}
            className="mt-0.5 size-4 shrink-0 appearance-none rounded-full border border-control bg-surface outline-none checked:border-5 checked:border-text"
          />
          <span className="min-w-0">
            <span className="font-medium">{KIND_LABELS[kind]}</span>
            <span id={`${name}-${kind}`} className="block text-muted">
              {KIND_HINTS[kind]}
            </span>
          </span>
        </label>
      ))}
      <p className="text-muted">You can’t change this later.</p>
    </fieldset>
  );
}
