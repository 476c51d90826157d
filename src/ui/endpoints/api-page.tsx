/** How to call an endpoint: snippets with its real address and a real key, and what it answers. */
"use client";

import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useState } from "react";
import type { ManagedKey } from "@/src/shared/management/schemas";
import { type ApiDocument, listOperations } from "@/src/shared/openapi";
import { toEndpointPath } from "@/src/shared/streams/protocol";
import { endpointQuery, keysQuery, projectQuery } from "../api/queries";
import { buttonClass } from "../components/button";
import { CodeBlock } from "../components/code-block";
import { CopyButton } from "../components/copy-button";
import { CONTROL, Field } from "../components/field";
import { Section } from "../components/page/page";
import { TabList, tabPanel, useTabs } from "../components/tabs";
import { OperationList } from "../docs/operation-list";
import { formatBytes } from "../format/format-number";
import { KEY_PLACEHOLDER, preferredKey, workingKeys } from "../snippets/choose-target";
import { type Snippet, type Target, toHttpUrl, toSnippets, toStreamUrl, toUserCurl } from "../snippets/snippets";
import { CredentialFields, NO_CREDENTIALS, toSecrets } from "./credential-fields";

interface Props {
  projectId: string;
  endpointId: string;
  origin: string;
  bodyBytesMax: number;
  /** Of this endpoint alone. */
  document: ApiDocument;
}

export function ApiPage({ projectId, endpointId, origin, bodyBytesMax, document }: Props) {
  const { data: endpoint } = useQuery(endpointQuery(endpointId));
  const { data: keys = [] } = useQuery(keysQuery(projectId));
  const { data: project } = useQuery(projectQuery(projectId));
  const [chosenId, setChosenId] = useState<string>();
  const [credentials, setCredentials] = useState(NO_CREDENTIALS);
  const nowMs = Date.now();
  const key = keys.find(({ id }) => id === chosenId) ?? preferredKey(keys, nowMs);
  if (!endpoint) return null;
  const needsToken = endpoint.secure || endpoint.kind === "authentication";
  const context = { origin, query: key ? { key: key.key } : {}, secrets: toSecrets(credentials), withCookies: false };
  const target = { origin, endpointName: endpoint.name, key: key?.key ?? KEY_PLACEHOLDER };
  return (
    <div className="mx-auto flex w-full max-w-[52rem] flex-col gap-10 px-6 py-8 max-md:px-4">
      <Section title="Address" note="One URL: HTTP stores and reads records, WebSocket streams every change.">
        <dl className="flex flex-col divide-y divide-line rounded-md border border-line bg-surface">
          <Address label="HTTP" url={toHttpUrl(target)} />
          <Address label="WebSocket" url={toStreamUrl(target)} />
        </dl>
        <p className="text-muted">
          Programs may send the key as the header <code className="text-data text-text">X-API-Key</code> instead, which keeps it out of URLs
          and of the logs of proxies.
        </p>
        <KeyChoice projectId={projectId} keys={workingKeys(keys, nowMs)} chosen={key} onChoose={setChosenId} />
        {needsToken ? (
          <p className="text-muted">
            {endpoint.secure
              ? "This endpoint is secure: requests also need"
              : "This endpoint holds users: reading and changing them also needs"}{" "}
            an access token, or the project’s master key in the header <code className="text-data text-text">X-Master-Key</code>.
          </p>
        ) : null}
        {needsToken && project?.allowedOrigins.length === 0 ? <NoOrigins projectId={projectId} /> : null}
      </Section>
      <Section title="Snippets">
        {endpoint.kind === "authentication" ? (
          <CodeBlock title="curl" code={toUserCurl(target)} what="the curl snippet" />
        ) : (
          <Snippets target={target} />
        )}
      </Section>
      <Section
        title="Operations"
        note="Open one to read about it and to try it: requests go from this page to this server, with the key above."
        actions={
          <a href={`/api/manage/projects/${projectId}/openapi.json`} className={buttonClass("secondary")}>
            OpenAPI
          </a>
        }
      >
        <CredentialFields credentials={credentials} withToken={needsToken} onChange={setCredentials} />
        <OperationList
          document={document}
          operations={listOperations(document)}
          context={context}
          basePath={toEndpointPath(endpoint.name)}
        />
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

/** S6: without a listed origin an application on another origin can't use the cookie of a login. */
function NoOrigins({ projectId }: { projectId: string }) {
  return (
    <p className="text-warn">
      This project lists no origins, so cookies from other sites are ignored. To log in by cookie,{" "}
      <Link href={`/p/${projectId}/settings`} className="text-focus underline underline-offset-2">
        add your application’s origin
      </Link>
      . Otherwise log in with <code className="text-data">noATCookie=true</code> and send the token as{" "}
      <code className="text-data">Authorization: Bearer</code>.
    </p>
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
