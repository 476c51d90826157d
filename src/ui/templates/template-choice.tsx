/** The templates as a list of buttons. */
"use client";

import { useState } from "react";
import { TEMPLATES, type TemplateId } from "@/src/shared/text/templates";
import { FormFailure } from "../forms/form-failure";
import { useAction } from "../forms/use-action";

export function TemplateChoice({ onChoose }: { onChoose: (id: TemplateId) => Promise<void> }) {
  const [chosen, setChosen] = useState<TemplateId>();
  const { run, pending, failure } = useAction((id: TemplateId) => {
    setChosen(id);
    return onChoose(id);
  });
  return (
    <div className="flex flex-col gap-3">
      <ul className="divide-y divide-line overflow-hidden rounded-md border border-line bg-surface">
        {TEMPLATES.map(({ id, label, description }) => (
          <li key={id}>
            <button
              type="button"
              aria-disabled={pending}
              aria-describedby={`template-${id}`}
              onClick={() => run(id)}
              className="flex w-full flex-col px-3 py-2 text-left transition-colors duration-[120ms] hover:bg-hover focus-visible:-outline-offset-2 aria-disabled:text-muted"
            >
              <span className="font-medium">{pending && chosen === id ? `Creating ${label}…` : label}</span>
              <span id={`template-${id}`} className="text-muted">
                {description}
              </span>
            </button>
          </li>
        ))}
      </ul>
      <FormFailure failure={failure} />
    </div>
  );
}
