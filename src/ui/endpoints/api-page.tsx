/** How to call an endpoint: snippets with its real address and a real key, and what it answers. */
"use client";

import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { type ReactNode, useState } from "react";
import type { ManagedKey } from "@/src/shared/management";
import { endpointQuery, keysQuery } from "../api/queries";
import { CodeBlock } from "../components/code-block";
import { CopyButton } from "../components/copy-button";
import { CONTROL, Field } from "../components/field";
import { Section } from "../components/page";
import { TabList, tabPanel, useTabs } from "../components/tabs";
import { formatBytes } from "../format/number";
import { type Snippet, type Target, toHttpUrl, toSnippets, toStreamUrl } from "../snippets/snippets";
import { KEY_PLACEHOLDER, preferredKey, workingKeys } from "./choose-key";

interface Props {
  projectId: string;
  endpointId: string;
  origin: string;
  bodyBytesMax: number;
}

export function ApiPage({ projectId, endpointId, origin, bodyBytesMax }: Props) {
  const { data: endpoint } = useQuery(endpointQuery(endpointId));
  const { data: keys = [] } = useQuery(keysQuery(projectId));
  const [chosenId, setChosenId] = useState<string>();
  const nowMs = Date.now();
  const key = keys.find(({ id }) => id === chosenId) ?? preferredKey(keys, nowMs);
  if (!endpoint) return null;
  const target = { origin, endpointName: endpoint.name, key: key?.key ?? KEY_PLACEHOLDER };
  return (
    <div className="mx-auto flex w-full max-w-[52rem] flex-col gap-10 px-6 py-8 max-md:px-4">
      <Section title="Address" note="One URL: HTTP stores and reads records, WebSocket streams every change.">
        <dl className="flex flex-col divide-y divide-line rounded-md border border-line bg-surface">
          <Address label="HTTP" url={toHttpUrl(target)} />
          <Address label="WebSocket" url={toStreamUrl(target)} />
        </dl>
        <KeyChoice projectId={projectId} keys={workingKeys(keys, nowMs)} chosen={key} onChoose={setChosenId} />
        {endpoint.secure ? (
          <p className="text-muted">
            This endpoint is secure: requests also need an access token, or the project’s master key in the header{" "}
            <code className="text-data text-text">X-Master-Key</code>.
          </p>
        ) : null}
      </Section>
      <Section title="Snippets">
        <Snippets target={target} />
      </Section>
      <Section title="Operations">
        <Operations />
      </Section>
      <Section title="Messages" note="The stream sends one text message for each change, after it was committed, in order.">
        <CodeBlock
          what="the example of a message"
          code={`{"type":"POST","record":{"uniqueId":"0192f3c4a1b27c3d8e4f5a6b7c8d9e0f","data":{"hello":"world"},"createdAt":"2030-01-31T12:00:00.000Z","updatedAt":"2030-01-31T12:00:00.000Z"}}`}
        />
        <p className="text-muted">
          <code className="text-data text-text">type</code> is POST, PUT or DELETE; a deleted record comes in its last state. Add{" "}
          <code className="text-data text-text">&amp;since=now</code> to get a <code className="text-data text-text">cursor</code> with each
          message, and <code className="text-data text-text">&amp;since=&lt;cursor&gt;</code> to go on where you left off.
        </p>
      </Section>
      <Section title="Limits and errors">
        <p className="text-muted">
          A body may have {formatBytes(bodyBytesMax)}. Errors are <code className="text-data text-text">application/problem+json</code> with{" "}
          <code className="text-data text-text">code</code>, <code className="text-data text-text">detail</code> and{" "}
          <code className="text-data text-text">requestId</code>; a refused stream closes with code 4000 and the same message as its reason.
        </p>
      </Section>
    </div>
  );
}

function Address({ label, url }: { label: string; url: string }) {
  return (
    <div className="flex items-center gap-4 py-1.5 pr-2 pl-3">
      <dt className="w-20 shrink-0 text-muted">{label}</dt>
      <dd className="flex min-w-0 flex-1 items-center gap-4">
        <span className="min-w-0 flex-1 font-mono text-data wrap-anywhere">{url}</span>
        <CopyButton text={url} what={`the ${label} address`} />
      </dd>
    </div>
  );
}

function KeyChoice({
  projectId,
  keys,
  chosen,
  onChoose,
}: {
  projectId: string;
  keys: readonly ManagedKey[];
  chosen: ManagedKey | undefined;
  onChoose: (id: string) => void;
}) {
  if (!chosen) {
    return (
      <p className="text-warn">
        No key of this project works.{" "}
        <Link href={`/p/${projectId}/keys`} className="text-focus underline underline-offset-2">
          Create one
        </Link>{" "}
        to call the endpoint.
      </p>
    );
  }
  if (keys.length < 2) return null;
  return (
    <div className="max-w-64">
      <Field label="Key">
        {(wear) => (
          <select {...wear} value={chosen.id} onChange={(event) => onChoose(event.target.value)} className={`${CONTROL} h-control px-2`}>
            {keys.map(({ id, name, scope }) => (
              <option key={id} value={id}>
                {name} ({scope.replace("_", " and ")})
              </option>
            ))}
          </select>
        )}
      </Field>
    </div>
  );
}

function Snippets({ target }: { target: Target }) {
  const [language, setLanguage] = useState<Snippet["id"]>("curl");
  const state = useTabs(language);
  const snippets = toSnippets(target);
  const chosen = snippets.find(({ id }) => id === language);
  return (
    <div className="flex flex-col gap-2">
      <TabList
        state={state}
        label="Language"
        look="fill"
        tabs={snippets.map(({ id, label }) => ({ value: id, label }))}
        onChange={setLanguage}
      />
      <div {...tabPanel(state)}>{chosen ? <CodeBlock code={chosen.code} what={`the ${chosen.label} snippet`} /> : null}</div>
    </div>
  );
}

const OPERATIONS: readonly { method: string; does: string; parameters: ReactNode }[] = [
  {
    method: "POST",
    does: "Stores the body: any JSON value, or a text. Answers 201 and the record.",
    parameters: "dataOnly",
  },
  {
    method: "GET",
    does: "Answers an array: every record in the order of creation, or those that are named.",
    parameters: "uniqueId, dataOnly",
  },
  {
    method: "PUT",
    does: "Replaces a record; with strategy=merge merges objects, with strategy=replace keeps the content type.",
    parameters: "uniqueId, strategy, dataOnly",
  },
  { method: "DELETE", does: "Deletes a record and answers its last state.", parameters: "uniqueId, dataOnly" },
];

function Operations() {
  return (
    <dl className="flex flex-col divide-y divide-line rounded-md border border-line bg-surface">
      {OPERATIONS.map(({ method, does, parameters }) => (
        <div key={method} className="flex flex-wrap gap-x-4 gap-y-1 px-3 py-2.5">
          <dt className="w-16 shrink-0 font-mono text-data leading-5 font-medium">{method}</dt>
          <dd className="min-w-56 flex-1">{does}</dd>
          <dd className="font-mono text-data leading-5 text-muted">{parameters}</dd>
        </div>
      ))}
    </dl>
  );
}
