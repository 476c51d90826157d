/** The JSON Schema that bodies must match (R10): edit or generate it, test it, save it, remove it. */
"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { EndpointDetail } from "@/src/shared/management/schemas";
import { endpointQuery } from "../../api/queries";
import { requestJson } from "../../api/request";
import { Button } from "../../components/button";
import { Panel, Section } from "../../components/page/page";
import { JsonEditor } from "../../editor/json-editor";
import { formatPlural } from "../../format/format-number";
import { FormFailure } from "../../forms/form-failure";
import { useAction } from "../../forms/use-action";
import { notify } from "../../notifications/notify";
import { readLatestData } from "./latest-records";
import { SchemaTest } from "./schema-test";
import { parseSchemaText, toSchemaProblem, toSchemaText } from "./schema-text";
import { toStartingSchema } from "./starting-schema";

const EXAMPLES_MAX = 100;

export function SchemaSection({ endpoint }: { endpoint: EndpointDetail }) {
  const saved = toSchemaText(endpoint.schema);
  // Undefined until something is typed or generated. Until then the section shows the stored schema, also when it changes elsewhere.
  const [draft, setDraft] = useState<string>();
  const text = draft ?? saved;
  const [problem, setProblem] = useState<string>();
  const edit = (next: string) => {
    setDraft(next);
    setProblem(undefined);
  };
  const store = useStore(endpoint, setProblem);
  const generate = useAction(async () => {
    setProblem(undefined);
    const examples = await readLatestData(endpoint.id, EXAMPLES_MAX);
    const schema = toStartingSchema(examples);
    if (!schema) return setProblem("No records to generate a schema from. Store a record first, or write the schema yourself.");
    edit(toSchemaText(schema));
    notify(`Generated a schema from the latest ${formatPlural(examples.length, "record")}. Check it, then save it.`);
  });
  const save = () => {
    const parsed = parseSchemaText(text);
    if ("problem" in parsed) setProblem(parsed.problem);
    else store.run({ schema: parsed.schema, done: "Schema saved. Non-matching writes are rejected from now on." });
  };
  const remove = () => store.run({ schema: null, done: "Schema removed. Any body is accepted." });
  const isChanged = text !== saved;
  return (
    <Section title="Schema" note={<SchemaNote kind={endpoint.kind} />}>
      <Panel>
        <div className="flex flex-col gap-4">
          <p role="status" className={isChanged ? "text-warn" : "text-muted"}>
            {toStatus({ isStored: endpoint.schema !== null, isChanged })}
          </p>
          <JsonEditor
            label="JSON Schema"
            hint="JSON Schema 2020-12: an object, true or false. References to other URLs are not resolved."
            value={text}
            onChange={edit}
            onSubmit={save}
            problem={problem}
            minHeight={180}
          />
          <FormFailure failure={store.failure ?? generate.failure} />
          <div className="flex flex-wrap gap-2">
            <Button tone="primary" busy={store.pending} disabled={!isChanged || text.trim() === ""} onClick={save}>
              Save schema
            </Button>
            <Button busy={generate.pending} onClick={() => generate.run()}>
              Generate from records
            </Button>
            {isChanged && endpoint.schema !== null ? <Button onClick={() => edit(saved)}>Discard changes</Button> : null}
            {endpoint.schema === null ? null : (
              <Button busy={store.pending} onClick={remove}>
                Remove schema
              </Button>
            )}
          </div>
        </div>
      </Panel>
      <SchemaTest endpointId={endpoint.id} schemaText={text} onSchemaProblem={setProblem} />
    </Section>
  );
}

/** Saves a schema, or removes it if null. Problems of the schema itself are passed to `onProblem`. */
function useStore(endpoint: EndpointDetail, onProblem: (problem: string | undefined) => void) {
  const client = useQueryClient();
  return useAction<{ schema: unknown; done: string }>(async ({ schema, done }) => {
    onProblem(undefined);
    try {
      const saved = await requestJson<EndpointDetail>(`endpoints/${endpoint.id}`, { method: "PATCH", body: { schema } });
      client.setQueryData(endpointQuery(endpoint.id).queryKey, saved);
      notify(done);
    } catch (error) {
      const problem = toSchemaProblem(error);
      if (problem === undefined) throw error;
      onProblem(problem);
    }
  });
}

function SchemaNote({ kind }: { kind: EndpointDetail["kind"] }) {
  return kind === "authentication"
    ? "New and updated users must match it, without their password. Existing users aren’t affected."
    : "New and updated records must match it. Existing records aren’t affected.";
}

function toStatus({ isStored, isChanged }: { isStored: boolean; isChanged: boolean }): string {
  if (isChanged) return isStored ? "You have unsaved changes. The saved schema is still active." : "This schema isn’t saved yet.";
  return isStored ? "Active: non-matching writes are rejected." : "No schema: any body is accepted.";
}
