/** Access to an endpoint's records: rules, hidden fields, the access function, trying them, and earlier versions. */
"use client";

import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import type { EndpointDetail } from "@/src/shared/management/schemas";
import { endpointQuery } from "../../api/queries";
import { Button } from "../../components/button";
import { DraftConflict } from "../../forms/drafts/draft-conflict";
import { DraftNote } from "../../forms/drafts/draft-note";
import { FormFailure } from "../../forms/form-failure";
import { AccessPreview } from "./access-preview";
import { AccessTrial } from "./access-trial";
import { AccessVersions } from "./access-versions";
import { FunctionSection } from "./function-section";
import { RuleFields } from "./rule-fields";
import { type AccessDraft, useAccessDraft } from "./use-access-draft";

export function AccessPage({ endpointId }: { endpointId: string }) {
  const { data: endpoint } = useQuery(endpointQuery(endpointId));
  return endpoint ? <Access endpoint={endpoint} /> : null;
}

function Access({ endpoint }: { endpoint: EndpointDetail }) {
  const draft = useAccessDraft(endpoint);
  return (
    <div className="mx-auto flex w-full max-w-[52rem] flex-col gap-10 px-6 py-8 max-md:px-4">
      <AccessForm endpoint={endpoint} draft={draft} />
      <AccessTrial endpoint={endpoint} draft={draft} />
      <AccessPreview endpoint={endpoint} draft={draft} />
      <AccessVersions endpoint={endpoint} hasChanges={draft.changed.length > 0} />
    </div>
  );
}

function AccessForm({ endpoint, draft }: { endpoint: EndpointDetail; draft: AccessDraft }) {
  const form = useRef<HTMLFormElement>(null);
  const { attempts, changed, problems, save } = draft;
  // After the problems are shown.
  useEffect(() => {
    if (attempts > 0) focusProblem(form.current);
  }, [attempts]);
  const hasOwn = endpoint.rules !== null || endpoint.accessFunction !== null;
  return (
    <form
      ref={form}
      noValidate
      method="post"
      className="flex flex-col gap-10"
      onSubmit={(event) => {
        event.preventDefault();
        save.run();
      }}
    >
      {draft.conflicts.length > 0 ? (
        <DraftConflict what="the access" differences={draft.conflicts} onKeepMine={draft.keepMine} onTakeTheirs={draft.discard} />
      ) : (
        <DraftNote restoredAtMs={draft.restoredAtMs} onDiscard={draft.discard} />
      )}
      <RuleFields endpoint={endpoint} draft={draft} />
      <FunctionSection draft={draft} />
      <div className="-mt-4 flex flex-col items-start gap-3">
        <p role="status" className={changed.length > 0 ? "text-warn" : "text-muted"}>
          {changed.length > 0
            ? "You have unsaved changes. The saved rules still apply."
            : hasOwn
              ? "Saved, and applied to every request and stream."
              : "No rules. The defaults apply."}
        </p>
        {problems.rules ? <p className="text-delete">{problems.rules.message}</p> : null}
        <FormFailure failure={save.failure} />
        <div className="flex flex-wrap gap-2">
          <Button type="submit" tone="primary" busy={save.pending} disabled={changed.length === 0}>
            Save access
          </Button>
          {changed.length > 0 ? <Button onClick={draft.discard}>Discard changes</Button> : null}
        </div>
      </div>
    </form>
  );
}

/** Focuses the first field with a problem, at its column. */
function focusProblem(form: HTMLFormElement | null): void {
  const field = form?.querySelector<HTMLElement>("[aria-invalid=true]");
  field?.focus();
  const column = Number(field?.dataset.column);
  if (field instanceof HTMLInputElement && column > 0) field.setSelectionRange(column - 1, field.value.length);
}
