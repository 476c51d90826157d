/** Asks whether a user may do something with a record by the rules and the function in the form, saved or not, and shows what decided. Nothing is written. */
"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { AccessCheck, AccessChecked } from "@/src/shared/management/access";
import type { EndpointDetail, GridPage } from "@/src/shared/management/schemas";
import { findUser } from "../../api/app-users";
import { requestJson } from "../../api/request";
import { RequestError } from "../../api/request-error";
import { Button } from "../../components/button";
import { CONTROL, Field, TextField } from "../../components/field";
import { Panel, Section } from "../../components/page/page";
import { Segments } from "../../components/segments";
import { JsonEditor } from "../../editor/json-editor";
import { FormFailure } from "../../forms/form-failure";
import { useAction } from "../../forms/use-action";
import { toFunctionInput, toRulesInput } from "./access-texts";
import { TrialResult } from "./trial-result";
import type { AccessDraft } from "./use-access-draft";
import { UserField } from "./user-field";

const OPERATIONS = ["read", "create", "update", "delete", "subscribe"] as const;
type Operation = (typeof OPERATIONS)[number];

/** The input of a trial, as typed. */
interface Trial {
  user: string;
  operation: Operation;
  source: "stored" | "json";
  uniqueId: string;
  json: string;
  owner: string;
  input: string;
}

type TrialProblems = { [field in keyof Trial]?: string };

const START: Trial = { user: "", operation: "read", source: "stored", uniqueId: "", json: "", owner: "", input: "" };

export function AccessTrial({ endpoint, draft }: { endpoint: EndpointDetail; draft: AccessDraft }) {
  const client = useQueryClient();
  const { id, projectId } = endpoint;
  const [trial, setTrial] = useState(START);
  const [problems, setProblems] = useState<TrialProblems>({});
  const [tried, setTried] = useState<{ key: string; result: AccessChecked }>();
  const rules = toRulesInput(draft.texts);
  const accessFunction = toFunctionInput(draft.texts);
  const key = JSON.stringify([trial, rules, accessFunction]);
  const edit = (changes: Partial<Trial>) => {
    setTrial((current) => ({ ...current, ...changes }));
    setProblems({});
  };
  const check = useAction(async () => {
    setProblems({});
    if (draft.showRuleProblems()) return;
    const [user, owner] = await Promise.all([findUser(client, projectId, trial.user), findUser(client, projectId, trial.owner)]);
    if (!user) return setProblems({ user: "No user has this name or uniqueId." });
    if (!owner) return setProblems({ owner: "No user has this name or uniqueId." });
    const target = toTarget(trial, owner.id);
    if ("problems" in target) return setProblems(target.problems);
    try {
      const body = toCheckText({ user: user.id, operation: trial.operation, rules, accessFunction, ...target.body }, target.texts);
      const result = await requestJson<AccessChecked>(`endpoints/${id}/access-check`, { method: "POST", body });
      setTried({ key, result });
    } catch (error) {
      const found = toTrialProblems(error);
      if (Object.keys(found).length > 0) setProblems(found);
      else draft.showProblems(error);
    }
  });
  const loadLatest = useAction(async () => {
    const { records } = await requestJson<GridPage>(`endpoints/${id}/records?limit=1`);
    const [latest] = records;
    if (latest) edit({ uniqueId: latest.uniqueId });
    else setProblems({ uniqueId: "No records yet. Store one first, or try a record as JSON." });
  });
  const isCreate = trial.operation === "create";
  return (
    <Section title="Try it" note="Checks an operation against the rules and the function above, saved or not. Nothing is written.">
      <Panel>
        <form
          noValidate
          className="flex flex-col gap-4"
          onSubmit={(event) => {
            event.preventDefault();
            check.run();
          }}
        >
          <div className="grid grid-cols-2 gap-4 max-sm:grid-cols-1">
            <UserField
              projectId={projectId}
              label="User"
              placeholder="Nobody"
              hint="A name or uniqueId. Leave empty for a caller who isn’t logged in."
              value={trial.user}
              onChange={(user) => edit({ user })}
              problem={problems.user}
            />
            <Field label="Operation">
              {(attributes) => (
                <select
                  {...attributes}
                  value={trial.operation}
                  onChange={(event) => edit({ operation: OPERATIONS.find((name) => name === event.target.value) ?? "read" })}
                  className={`${CONTROL} h-control px-2`}
                >
                  {OPERATIONS.map((name) => (
                    <option key={name} value={name}>
                      {name}
                    </option>
                  ))}
                </select>
              )}
            </Field>
          </div>
          {isCreate ? null : (
            <Segments
              label="Record"
              value={trial.source}
              options={[
                { value: "stored", label: "Stored" },
                { value: "json", label: "JSON" },
              ]}
              onChange={(source) => edit({ source })}
            />
          )}
          {isCreate ? null : trial.source === "stored" ? (
            <TextField
              mono
              label="uniqueId of the record"
              value={trial.uniqueId}
              onChange={(event) => edit({ uniqueId: event.target.value })}
              problem={problems.uniqueId}
            />
          ) : (
            <>
              <JsonEditor
                label="Data of the record"
                value={trial.json}
                onChange={(json) => edit({ json })}
                onSubmit={() => check.run()}
                problem={problems.json}
                minHeight={80}
                maxHeight={240}
              />
              <UserField
                projectId={projectId}
                label="Owner"
                placeholder="None"
                hint="A name or uniqueId. Leave empty if the record has no owner."
                value={trial.owner}
                onChange={(owner) => edit({ owner })}
                problem={problems.owner}
              />
            </>
          )}
          {isCreate || trial.operation === "update" ? (
            <JsonEditor
              label={isCreate ? "Body to create" : "Body of the update"}
              hint={isCreate ? undefined : "Optional. Rules see it as @input."}
              value={trial.input}
              onChange={(input) => edit({ input })}
              onSubmit={() => check.run()}
              problem={problems.input}
              minHeight={80}
              maxHeight={240}
            />
          ) : null}
          <FormFailure failure={check.failure ?? loadLatest.failure} />
          <div className="flex flex-wrap gap-2">
            <Button type="submit" busy={check.pending || loadLatest.pending}>
              Try
            </Button>
            {isCreate || trial.source === "json" ? null : (
              <Button tone="quiet" busy={loadLatest.pending} onClick={() => loadLatest.run()}>
                Use latest record
              </Button>
            )}
          </div>
          <div role="status" className="empty:hidden">
            {tried?.key === key ? <TrialResult result={tried.result} /> : null}
          </div>
        </form>
      </Panel>
    </Section>
  );
}

/** The values that are sent as they are typed, because JavaScript would change the digits of some numbers: 1.0, and large integers. */
interface TrialTexts {
  input?: string;
  data?: string;
}

/** The JSON text of a check. */
function toCheckText({ record, ...check }: Omit<AccessCheck, "input">, { input, data }: TrialTexts): string {
  const members = [JSON.stringify(check).slice(1, -1)];
  if (input !== undefined) members.push(`"input":${input}`);
  if (data !== undefined) members.push(`"record":{"data":${data},"owner":${JSON.stringify(record?.owner ?? null)}}`);
  return `{${members.join(",")}}`;
}

/** The record and input of a check, or what is wrong with them. */
function toTarget(
  { operation, source, uniqueId, json, input }: Trial,
  owner: string | null,
): { body: Partial<AccessCheck>; texts: TrialTexts } | { problems: TrialProblems } {
  const sent = input.trim() === "" ? undefined : parseJson(input);
  if (operation === "create" || operation === "update") {
    if (sent && "problem" in sent) return { problems: { input: sent.problem } };
    if (operation === "create") return sent ? { body: {}, texts: { input: sent.text } } : { problems: { input: "Enter a body first." } };
  }
  const rest = operation === "update" && sent && "text" in sent ? { input: sent.text } : {};
  if (source === "stored") {
    if (uniqueId.trim() === "") return { problems: { uniqueId: "Enter the uniqueId of a record, or choose the latest one." } };
    return { body: { uniqueId: uniqueId.trim() }, texts: rest };
  }
  const data = json.trim() === "" ? { problem: "Enter the data of a record first." } : parseJson(json);
  return "problem" in data
    ? { problems: { json: data.problem } }
    : { body: { record: { data: null, owner } }, texts: { ...rest, data: data.text } };
}

function parseJson(text: string): { text: string } | { problem: string } {
  try {
    JSON.parse(text);
    return { text };
  } catch {
    return { problem: "This isn’t valid JSON." };
  }
}

function toTrialProblems(error: unknown): TrialProblems {
  if (!(error instanceof RequestError)) return {};
  const { user, uniqueId, input, ...rest } = error.fields;
  const owner = rest["record.owner"];
  const json = Object.entries(rest).find(([field]) => field === "record" || field === "record.data")?.[1];
  const problems = { user, uniqueId, input, owner, json };
  return Object.fromEntries(Object.entries(problems).filter(([, problem]) => problem !== undefined));
}
