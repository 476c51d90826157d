/** The JSON Schema that bodies must match (R10): edit or generate it, test it, save it, remove it. */
"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import type { EndpointDetail } from "@/src/shared/management/schemas";
import { endpointQuery } from "../../api/queries";
import { requestJson } from "../../api/request";
import { Button } from "../../components/button";
import { Panel, Section } from "../../components/page/page";
import { JsonEditor } from "../../editor/json-editor";
import { formatPlural } from "../../format/format-number";
import { DraftConflict } from "../../forms/drafts/draft-conflict";
import { DraftNote } from "../../forms/drafts/draft-note";
import { type Draft, useDraft } from "../../forms/drafts/use-draft";
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
  const draft = useDraft({ name: `schema/${endpoint.id}`, parse: parseDraft });
  const text = draft.value?.text ?? saved;
  const [problem, setProblem] = useState<string>();
  const edit = (next: string) => {
    if (next === saved) draft.clear();
    else draft.set({ text: next, base: draft.value?.base ?? saved });
    setProblem(undefined);
  };
  const isChanged = text !== saved;
  const isConflict = isChanged && draft.value !== undefined && draft.value.base !== saved;
  const store = useStore(endpoint, setProblem, draft);
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
  return (
    <Section title="Schema" note={<SchemaNote kind={endpoint.kind} />}>
      <Panel>
        <div className="flex flex-col gap-4">
          {isConflict ? (
            <DraftConflict
              what="this schema"
              differences={[{ label: "JSON Schema", before: draft.value?.base ?? "", mine: text, theirs: saved }]}
              onKeepMine={() => draft.set({ text, base: saved })}
              onTakeTheirs={draft.clear}
            />
          ) : (
            <DraftNote restoredAtMs={draft.restoredAtMs} onDiscard={draft.clear} />
          )}
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
            {isChanged && (endpoint.schema !== null || text.trim() !== "") ? (
              <Button onClick={() => edit(saved)}>Discard changes</Button>
            ) : null}
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
function useStore(endpoint: EndpointDetail, onProblem: (problem: string | undefined) => void, draft: Draft<SchemaDraft>) {
  const client = useQueryClient();
  const typed = useRef(draft);
  typed.current = draft;
  return useAction<{ schema: unknown; done: string }>(async ({ schema, done }) => {
    onProblem(undefined);
    const sent = typed.current.value?.text;
    try {
      const saved = await requestJson<EndpointDetail>(`endpoints/${endpoint.id}`, { method: "PATCH", body: { schema } });
      client.setQueryData(endpointQuery(endpoint.id).queryKey, saved);
      const { value, set, clear } = typed.current;
      if (value?.text === sent) clear();
      // Text that was typed while the request ran is still unsaved.
      else if (value) set({ text: value.text, base: toSchemaText(saved.schema) });
      notify(done);
    } catch (error) {
      const problem = toSchemaProblem(error);
      if (problem === undefined) throw error;
      onProblem(problem);
    }
  });
}

interface SchemaDraft {
  text: string;
  /** The schema that was stored when the text was first changed. */
  base: string;
}

function parseDraft(value: unknown): SchemaDraft | undefined {
  if (typeof value !== "object" || value === null || !("text" in value) || !("base" in value)) return undefined;
  const { text, base } = value;
  return typeof text === "string" && typeof base === "string" ? { text, base } : undefined;
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
