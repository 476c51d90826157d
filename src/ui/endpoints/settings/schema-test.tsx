/** Tests a body against the schema in the editor, saved or not. Nothing is stored. */
"use client";

import { useState } from "react";
import type { SchemaChecked } from "@/src/shared/management/schemas";
import { requestJson } from "../../api/request";
import { Button } from "../../components/button";
import { Panel } from "../../components/page/page";
import { JsonEditor, type JsonProblem } from "../../editor/json-editor";
import { formatPlural } from "../../format/format-number";
import { FormFailure } from "../../forms/form-failure";
import { useAction } from "../../forms/use-action";
import { readLatestData } from "./latest-records";
import { parseSchemaText, toSchemaProblem } from "./schema-text";

export function SchemaTest({
  endpointId,
  schemaText,
  onSchemaProblem,
}: {
  endpointId: string;
  schemaText: string;
  onSchemaProblem: (problem: string) => void;
}) {
  const [body, setBody] = useState("");
  const [problem, setProblem] = useState<string>();
  /** The result for this body and this schema; undefined if not tested. */
  const [tested, setTested] = useState<{ schemaText: string; problems: readonly JsonProblem[] }>();
  const result = tested?.schemaText === schemaText ? tested.problems : undefined;
  const edit = (next: string) => {
    setBody(next);
    setProblem(undefined);
    setTested(undefined);
  };
  const load = useAction(async () => {
    const [latest] = await readLatestData(endpointId, 1);
    if (latest === undefined) setProblem("No records yet. Store one first.");
    else edit(JSON.stringify(latest, null, 2));
  });
  const check = useAction(async () => {
    const schema = parseSchemaText(schemaText);
    if ("problem" in schema) return onSchemaProblem(schema.problem);
    const value = parseBody(body);
    if (value === undefined) return setProblem(body.trim() === "" ? "Enter or load a body first." : "This isn’t valid JSON.");
    try {
      const { problems } = await requestJson<SchemaChecked>(`endpoints/${endpointId}/schema-check`, {
        method: "POST",
        body: { schema: schema.schema, body: value.json },
      });
      setTested({ schemaText, problems: Object.entries(problems).map(([pointer, message]) => ({ pointer, message })) });
    } catch (error) {
      const wrong = toSchemaProblem(error);
      if (wrong === undefined) throw error;
      onSchemaProblem(wrong);
    }
  });
  return (
    <Panel>
      <div className="flex flex-col gap-4">
        <div>
          <h3 className="font-semibold">Test a body</h3>
          <p className="text-muted">Tests it against the schema above, saved or not. Nothing is stored.</p>
        </div>
        <JsonEditor
          label="Body"
          value={body}
          onChange={edit}
          onSubmit={() => check.run()}
          problem={problem}
          problems={result}
          minHeight={100}
          maxHeight={320}
        />
        <p role="status" className="empty:hidden">
          {result === undefined ? null : result.length === 0 ? (
            <span className="text-create">The body matches the schema.</span>
          ) : (
            <span className="text-delete">The body doesn’t match the schema: {formatPlural(result.length, "problem")}.</span>
          )}
        </p>
        <FormFailure failure={check.failure ?? load.failure} />
        <div className="flex flex-wrap gap-2">
          <Button busy={check.pending} onClick={() => check.run()}>
            Test
          </Button>
          <Button tone="quiet" busy={load.pending} onClick={() => load.run()}>
            Load latest record
          </Button>
        </div>
      </div>
    </Panel>
  );
}

function parseBody(text: string): { json: unknown } | undefined {
  try {
    return { json: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
