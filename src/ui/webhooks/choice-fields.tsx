/** The choices of a webhook: its endpoints and its operations. */
"use client";

import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { CHANGE_TYPES } from "@/src/shared/streams/protocol";
import { endpointsQuery } from "../api/queries";
import { Segments } from "../components/segments";

const REACHES = [
  { value: "all", label: "All endpoints" },
  { value: "some", label: "Some endpoints" },
] as const;

const OPERATION_LABELS = { POST: "Create (POST)", PUT: "Update (PUT)", DELETE: "Delete (DELETE)" } as const;

/** `chosen`: names. Null: all. */
export function EndpointFields({
  projectId,
  chosen,
  problem,
  onChange,
}: {
  projectId: string;
  chosen: readonly string[] | null;
  problem: string | undefined;
  onChange: (chosen: readonly string[] | null) => void;
}) {
  const { data: endpoints = [] } = useQuery(endpointsQuery(projectId));
  const options = endpoints.map(({ name }) => ({ value: name, label: name }));
  return (
    <>
      <Segments
        label="Endpoints"
        value={chosen === null ? "all" : "some"}
        options={REACHES}
        onChange={(reach) => onChange(reach === "all" ? null : [])}
        hint={chosen === null ? "Includes endpoints that you create later." : undefined}
      />
      {chosen === null ? null : (
        <Checkboxes
          name="endpoints"
          legend="Endpoints of this webhook"
          options={options}
          chosen={chosen}
          problem={problem}
          onChange={onChange}
        />
      )}
    </>
  );
}

export function OperationFields({
  chosen,
  problem,
  onChange,
}: {
  chosen: readonly string[];
  problem: string | undefined;
  onChange: (chosen: readonly string[]) => void;
}) {
  const options = CHANGE_TYPES.map((value) => ({ value, label: OPERATION_LABELS[value] }));
  return (
    <Checkboxes name="operations" legend="Changes" showsLegend options={options} chosen={chosen} problem={problem} onChange={onChange} />
  );
}

function Checkboxes({
  name,
  legend,
  showsLegend = false,
  options,
  chosen,
  problem,
  onChange,
}: {
  name: string;
  legend: string;
  showsLegend?: boolean;
  options: readonly { value: string; label: string }[];
  chosen: readonly string[];
  problem: string | undefined;
  onChange: (chosen: readonly string[]) => void;
}) {
  const id = useId();
  // Keeps the order of the options.
  const toggle = (value: string, isChosen: boolean) =>
    onChange(options.map((option) => option.value).filter((each) => (each === value ? isChosen : chosen.includes(each))));
  return (
    <fieldset className="flex min-w-0 flex-col gap-1.5" aria-describedby={problem ? `${id}-problem` : undefined}>
      <legend className={showsLegend ? "mb-1.5 font-medium" : "sr-only"}>{legend}</legend>
      <ul className="flex max-h-48 flex-col overflow-y-auto rounded-md border border-control bg-surface py-1">
        {options.map(({ value, label }, index) => (
          <li key={value}>
            <label className="flex min-h-8 cursor-pointer items-center gap-2.5 px-3 py-1 hover:bg-inset pointer-coarse:min-h-11">
              <input
                type="checkbox"
                name={name}
                checked={chosen.includes(value)}
                aria-invalid={problem && index === 0 ? true : undefined}
                onChange={(event) => toggle(value, event.target.checked)}
                className="size-4 shrink-0 accent-text"
              />
              <span className="min-w-0 wrap-anywhere">{label}</span>
            </label>
          </li>
        ))}
      </ul>
      {problem ? (
        <p id={`${id}-problem`} className="animate-appear text-delete">
          {problem}
        </p>
      ) : null}
    </fieldset>
  );
}
