/** A checklist of first steps. Steps are done when the project's traffic shows it, whatever the browser or program. The list disappears when all are done. */
"use client";

import { Check } from "lucide-react";
import type { ReactNode } from "react";
import type { ManagedEndpoint, ManagedKey } from "@/src/shared/management/schemas";
import { Button } from "../components/button";
import { ButtonLink } from "../components/button-link";
import { CodeBlock } from "../components/code-block";
import { chooseFirstEndpoint, preferredKey } from "../snippets/choose-target";
import { toFirstCurl } from "../snippets/snippets";

interface Props {
  projectId: string;
  origin: string;
  endpoints: readonly ManagedEndpoint[];
  keys: readonly ManagedKey[];
  /** Whether a stream of the project was open, in any browser or program. */
  hasStreamed: boolean;
  /** Whether a program wrote a record. Sample records and those of the dashboard do not count. */
  hasWritten: boolean;
  onCreateEndpoint: () => void;
  onUseTemplate: () => void;
}

export function FirstSteps({ projectId, origin, endpoints, keys, hasStreamed, hasWritten, onCreateEndpoint, onUseTemplate }: Props) {
  const endpoint = chooseFirstEndpoint(endpoints);
  const key = preferredKey(keys, Date.now());
  const base = endpoint ? `/p/${projectId}/endpoints/${endpoint.id}` : "";
  const steps: { done: boolean; label: string; help: ReactNode }[] = [
    {
      done: endpoints.length > 0,
      label: "Create an endpoint",
      help: (
        <div className="flex flex-wrap gap-2">
          <Button tone="primary" onClick={onCreateEndpoint}>
            New endpoint
          </Button>
          <Button onClick={onUseTemplate}>Use a template</Button>
        </div>
      ),
    },
    {
      done: hasWritten,
      label: "Store a record from your own code",
      help:
        endpoint && key ? (
          <CodeBlock code={toFirstCurl({ origin, endpointName: endpoint.name, key: key.key })} what="the curl command" />
        ) : null,
    },
    {
      done: hasStreamed,
      label: "Stream changes",
      help: endpoint ? (
        <div className="flex flex-wrap gap-2">
          <ButtonLink tone="primary" href={`${base}/live`}>
            Open the console
          </ButtonLink>
          <ButtonLink href={`${base}/api`}>View code snippets</ButtonLink>
        </div>
      ) : null,
    },
  ];
  const next = steps.findIndex(({ done }) => !done);
  if (next === -1) return null;
  return (
    <section aria-label="First steps" className="rounded-md border border-line bg-surface">
      <ol className="divide-y divide-line">
        {steps.map(({ done, label, help }, index) => (
          <li key={label} className="flex gap-3 px-4 py-3">
            <span
              aria-hidden="true"
              className={`mt-0.5 grid size-4 shrink-0 place-items-center rounded-full ${done ? "bg-text text-bg" : "border border-control"}`}
            >
              {done ? <Check className="size-3" strokeWidth={3} /> : null}
            </span>
            <div className="flex min-w-0 flex-1 flex-col gap-2.5">
              <span className={done ? "text-muted" : "font-medium"}>
                {label}
                <span className="sr-only">{done ? " (done)" : " (to do)"}</span>
              </span>
              {index === next ? help : null}
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}
