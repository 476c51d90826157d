/** The access function of an endpoint (S8): its source, and a template to start from. */
"use client";

import { useMemo } from "react";
import { Button } from "../../components/button";
import { Panel, Section } from "../../components/page/page";
import { FunctionEditor } from "../../editor/function-editor";
import { toOffset } from "./access-texts";
import { FUNCTION_TEMPLATE } from "./function-template";
import type { AccessDraft } from "./use-access-draft";

export function FunctionSection({ draft }: { draft: AccessDraft }) {
  const text = draft.texts.accessFunction;
  const problem = draft.problems.accessFunction;
  const offset = problem && toOffset(text, problem);
  const message = problem?.message;
  const problems = useMemo(() => (message === undefined || offset === undefined ? undefined : [{ message, offset }]), [message, offset]);
  const isEmpty = text.trim() === "";
  return (
    <Section
      title="Access function"
      note="JavaScript for what rules can’t express. It is called for what the rules allow, and both must allow. Try a rule first: rules are faster."
    >
      <Panel>
        <div className="flex flex-col gap-3">
          <FunctionEditor
            label="JavaScript"
            hint="One function of { operation, user, record, input, request, now, find }. Ctrl+Space completes names. Leave empty for no function."
            value={text}
            onChange={(next) => draft.edit("accessFunction", next)}
            onSubmit={() => draft.save.run()}
            problems={problems}
            problem={offset === undefined ? message : undefined}
            minHeight={isEmpty ? 80 : 200}
            maxHeight={560}
          />
          {isEmpty ? (
            <div>
              <Button onClick={() => draft.edit("accessFunction", FUNCTION_TEMPLATE)}>Start from the template</Button>
            </div>
          ) : null}
        </div>
      </Panel>
    </Section>
  );
}
