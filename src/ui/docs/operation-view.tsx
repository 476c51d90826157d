/** One operation: its description, a form to try it, the response, and all documented responses. */
"use client";

import { type FormEvent, useState } from "react";
import type { ApiBody, ApiDocument, JsonSchema, ListedOperation } from "@/src/shared/openapi";
import { Button } from "../components/button";
import { CodeBlock } from "../components/code-block";
import { CONTROL, Field, TextAreaField } from "../components/field";
import { type CallContext, type CallValues, findMissing, MULTIPART, toCall, toCallCurl } from "./call";
import { CallResult } from "./call-result";
import { ParameterField } from "./parameter-field";
import { Prose } from "./prose";
import { ResponseList } from "./response-list";
import { toSample, toShape } from "./schema-shape";
import { type CallResponse, sendCall } from "./send-call";

type Outcome = { response: CallResponse } | { failure: string } | undefined;

export function OperationView({
  document,
  listed,
  context: shared,
}: {
  document: ApiDocument;
  listed: ListedOperation;
  context: CallContext;
}) {
  const { method, operation, parameters, body } = listed;
  // Public operations need no token.
  const context = operation.security?.length === 0 ? { ...shared, curlHeaders: {} } : shared;
  const [values, setValues] = useState<CallValues>(() => toFirstValues(document, body));
  const [busy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome>();
  const [missing, setMissing] = useState<readonly string[]>([]);
  const call = toCall(listed, values, context);
  const send = async (event: FormEvent) => {
    event.preventDefault();
    const absent = findMissing(listed, values);
    setMissing(absent);
    if (busy || absent.length > 0) return;
    setBusy(true);
    try {
      setOutcome({ response: await sendCall(call, context) });
    } catch (error) {
      setOutcome({ failure: error instanceof Error ? error.message : "Something went wrong." });
    } finally {
      setBusy(false);
    }
  };
  return (
    <div className="flex min-w-0 flex-col gap-6 border-t border-line px-4 py-5">
      {operation.description ? <Prose text={operation.description} /> : null}
      <form onSubmit={send} className="flex min-w-0 flex-col gap-5">
        {parameters.length > 0 ? (
          <div className="grid grid-cols-2 gap-x-6 gap-y-4 max-sm:grid-cols-1">
            {parameters.map((parameter) => (
              <ParameterField
                key={`${parameter.in} ${parameter.name}`}
                parameter={parameter}
                value={values.parameters[parameter.name] ?? ""}
                problem={missing.includes(parameter.name) ? "Required, because it is part of the URL." : undefined}
                onChange={(value) => setValues({ ...values, parameters: { ...values.parameters, [parameter.name]: value } })}
              />
            ))}
          </div>
        ) : null}
        {body ? <BodyFields document={document} body={body} values={values} onChange={setValues} /> : null}
        <CodeBlock title="curl equivalent" code={toCallCurl(call, context)} what="the curl command" />
        <div className="flex flex-wrap items-center gap-3">
          <Button type="submit" tone={method === "delete" ? "danger" : "primary"} busy={busy}>
            Send {method.toUpperCase()}
          </Button>
          <p role="status" className="text-muted">
            {busy ? "Waiting for the response…" : outcome && "response" in outcome ? "Response received." : ""}
          </p>
        </div>
        {outcome && "failure" in outcome ? (
          <p role="alert" className="text-delete">
            {outcome.failure}
          </p>
        ) : null}
        {outcome && "response" in outcome ? <CallResult response={outcome.response} /> : null}
      </form>
      <ResponseList document={document} responses={listed.responses} />
    </div>
  );
}

function BodyFields({
  document,
  body,
  values,
  onChange,
}: {
  document: ApiDocument;
  body: ApiBody;
  values: CallValues;
  onChange: (values: CallValues) => void;
}) {
  const types = Object.keys(body.content);
  const schema = body.content[values.mediaType]?.schema ?? true;
  const hint = body.description ? <Prose text={body.description} inline /> : undefined;
  const shape = toBodyShape(document, schema);
  const choose = (mediaType: string) => onChange({ ...values, mediaType, body: toFirstBody(document, body, mediaType) });
  return (
    <div className="flex min-w-0 flex-col gap-4">
      {types.length > 1 ? (
        <div className="max-w-64">
          <Field label="Content type">
            {(attributes) => (
              <select
                {...attributes}
                value={values.mediaType}
                onChange={(event) => choose(event.target.value)}
                className={`${CONTROL} h-control px-2`}
              >
                {types.map((type) => (
                  <option key={type} value={type}>
                    {type}
                  </option>
                ))}
              </select>
            )}
          </Field>
        </div>
      ) : null}
      {values.mediaType === MULTIPART ? (
        <Field label="Files" hint={hint}>
          {(attributes) => (
            <input
              {...attributes}
              type="file"
              multiple
              onChange={(event) => onChange({ ...values, files: [...(event.target.files ?? [])] })}
              className={`${CONTROL} px-2.5 py-1.5`}
            />
          )}
        </Field>
      ) : (
        <TextAreaField
          label="Body"
          hint={hint}
          mono
          rows={Math.min(14, Math.max(3, values.body.split("\n").length))}
          value={values.body}
          onChange={(event) => onChange({ ...values, body: event.target.value })}
        />
      )}
      {shape === undefined ? null : <CodeBlock title="Body shape" code={shape} what="the body shape" />}
    </div>
  );
}

/** The shape of the body; undefined if it can be anything. An endpoint's own schema is shown in full, because a shape omits its constraints. */
function toBodyShape(document: ApiDocument, schema: JsonSchema): string | undefined {
  const reference = typeof schema === "object" && typeof schema.$ref === "string" ? schema.$ref : "";
  const own = /^#\/components\/schemas\/(data\..+)$/.exec(reference)?.[1];
  if (own !== undefined) return JSON.stringify(document.components.schemas[own], null, 2);
  const shape = toShape(document, schema);
  return shape === "any" || shape === "string" || shape === "object" ? undefined : shape;
}

function toFirstValues(document: ApiDocument, body: ApiBody | undefined): CallValues {
  const [mediaType = ""] = Object.keys(body?.content ?? {});
  return { parameters: {}, mediaType, body: body ? toFirstBody(document, body, mediaType) : "", files: [] };
}

function toFirstBody(document: ApiDocument, { content }: ApiBody, mediaType: string): string {
  const media = content[mediaType];
  if (!media || !mediaType.endsWith("json")) return "";
  return JSON.stringify(media.example ?? toSample(document, media.schema), null, 2);
}
