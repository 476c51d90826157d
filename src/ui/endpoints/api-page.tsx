/** How to call an endpoint: snippets with its URL and a key, and its API reference. */
"use client";

import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { type ComponentProps, type ComponentType, useEffect, useState } from "react";
import type { ManagedKey } from "@/src/shared/management/schemas";
import { type ApiDocument, listOperations } from "@/src/shared/openapi";
import { toEndpointPath } from "@/src/shared/streams/protocol";
import { endpointQuery, keysQuery, projectQuery } from "../api/queries";
import { buttonClass } from "../components/button";
import { CodeBlock } from "../components/code-block";
import { CopyButton } from "../components/copy-button";
import { CONTROL, Field } from "../components/field";
import { Section } from "../components/page/page";
import { OperationList } from "../docs/operation-list";
import { toSample } from "../docs/schema-shape";
import { formatBytes } from "../format/format-number";
import { KEY_PLACEHOLDER, preferredKey, workingKeys } from "../snippets/choose-target";
import { toKeyLabel } from "../snippets/key-state";
import type { ProgramView } from "../snippets/programs/program-view";
import { toEmailCurl, toHttpUrl, toStreamUrl } from "../snippets/snippets";
import { CredentialFields, NO_CREDENTIALS, toSecrets } from "./credential-fields";

interface Props {
  projectId: string;
  endpointId: string;
  origin: string;
  bodyBytesMax: number;
  /** The document of this endpoint only. */
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
  const isJudged = endpoint.rules !== null || endpoint.accessFunction !== null;
  const context = { origin, query: key ? { key: key.key } : {}, secrets: toSecrets(credentials), withCookies: false };
  const target = { origin, endpointName: endpoint.name, key: key?.key ?? KEY_PLACEHOLDER };
  return (
    <div className="mx-auto flex w-full max-w-[52rem] flex-col gap-10 px-6 py-8 max-md:px-4">
      <Section title="URL" note="One URL for everything: HTTP stores and reads records, WebSocket streams every change.">
        <dl className="flex flex-col divide-y divide-line rounded-md border border-line bg-surface">
          <Url label="HTTP" url={toHttpUrl(target)} />
          <Url label="WebSocket" url={toStreamUrl(target)} />
        </dl>
        <p className="text-muted">
          Programs can send the key in the <code className="text-data text-text">X-API-Key</code> header instead, which keeps it out of URLs
          and proxy logs.
        </p>
        <KeyChoice projectId={projectId} keys={workingKeys(keys, nowMs)} chosen={key} onChoose={setChosenId} />
        {needsToken ? (
          <p className="text-muted">
            {endpoint.secure
              ? "This endpoint is secure: requests also need"
              : "This endpoint stores users: requests that read or change them also need"}{" "}
            an access token, or the project’s master key in the <code className="text-data text-text">X-Master-Key</code> header.
          </p>
        ) : null}
        {needsToken && project?.allowedOrigins.length === 0 ? <NoOrigins projectId={projectId} /> : null}
      </Section>
      <Section title="Snippets">
        {endpoint.kind === "email" ? (
          <CodeBlock title="curl" code={toEmailCurl(target)} what="the curl snippet" />
        ) : (
          <Programs
            target={target}
            forUsers={endpoint.kind === "authentication"}
            needsToken={needsToken}
            sample={toSampleData(document, endpoint.schema)}
          />
        )}
      </Section>
      <Section
        title="Operations"
        note="Open an operation to read about it and try it. Requests are sent to this server with the key above."
        actions={
          <a href={`/api/manage/projects/${projectId}/openapi.json`} className={buttonClass("secondary")}>
            OpenAPI
          </a>
        }
      >
        <CredentialFields credentials={credentials} withToken={needsToken || isJudged} onChange={setCredentials} />
        <OperationList
          document={document}
          operations={listOperations(document)}
          context={context}
          basePath={toEndpointPath(endpoint.name)}
        />
      </Section>
      <Section title="Messages" note="The stream sends one text message per change, in order, after it is committed.">
        <CodeBlock what="the example message" code={EXAMPLE_MESSAGE} />
        <p className="text-muted">
          <code className="text-data text-text">type</code> is POST, PUT or DELETE; a DELETE carries the record’s last state. Add{" "}
          <code className="text-data text-text">&amp;since=now</code> to receive a <code className="text-data text-text">cursor</code> with
          each message, and <code className="text-data text-text">&amp;since=&lt;cursor&gt;</code> to resume where you left off.
        </p>
      </Section>
      {isJudged ? <JudgedAccess projectId={projectId} endpointId={endpointId} hasFunction={endpoint.accessFunction !== null} /> : null}
      <Section title="Limits and errors">
        <p className="text-muted">
          Bodies can be up to {formatBytes(bodyBytesMax)}. Errors are <code className="text-data text-text">application/problem+json</code>{" "}
          with <code className="text-data text-text">code</code>, <code className="text-data text-text">detail</code> and{" "}
          <code className="text-data text-text">requestId</code>. A rejected WebSocket closes with the message as its reason, and with code
          1013 if you should try again later, otherwise usually 4000.
        </p>
        {endpoint.kind === "email" ? <EmailErrors projectId={projectId} /> : null}
      </Section>
    </div>
  );
}

/** Shown with line breaks; streams send it without them. */
const EXAMPLE_MESSAGE = `{
  "type": "POST",
  "record": {
    "uniqueId": "0192f3c4a1b27c3d8e4f5a6b7c8d9e0f",
    "data": { "hello": "world" },
    "createdAt": "2030-01-31T12:00:00.000Z",
    "updatedAt": "2030-01-31T12:00:00.000Z"
  }
}`;

/**
 * The programs load after the page, into room of their size. Not by `lazy`: a boundary that was rendered by the server would show its fallback again
 * if the page changes before the programs have loaded.
 */
function Programs(props: ComponentProps<typeof ProgramView>) {
  const [View, setView] = useState<ComponentType<ComponentProps<typeof ProgramView>>>();
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    import("../snippets/programs/program-view").then(
      (loaded) => setView(() => loaded.ProgramView),
      () => setFailed(true),
    );
  }, []);
  return (
    <div className="min-h-[36rem]">
      {View ? <View {...props} /> : failed ? <p role="alert">Couldn’t load the snippets. Reload the page.</p> : null}
    </div>
  );
}

/** The data of a record that matches the endpoint's schema. Undefined if it has none. */
function toSampleData(document: ApiDocument, schema: unknown): unknown {
  return typeof schema === "object" && schema !== null ? toSample(document, { ...schema }) : undefined;
}

/** Explains the effects of access rules and the access function on requests and streams (S7, S8, W6). */
function JudgedAccess({ projectId, endpointId, hasFunction }: { projectId: string; endpointId: string; hasFunction: boolean }) {
  const code = "text-data text-text";
  return (
    <Section title="Access">
      <p className="text-muted">
        {hasFunction ? "Access rules and the access function decide" : "Access rules decide"} about each record, for the user of the access
        token. A list and a stream leave out what the user can’t read. A request for one record that is refused fails with 403{" "}
        <code className={code}>access_denied</code>
        {hasFunction ? (
          <>
            , and with 403 <code className={code}>access_function_failed</code> if the function fails on the record; the server’s log has
            the line
          </>
        ) : null}
        . The response to a write has no <code className={code}>data</code> if the user can’t read the record.
      </p>
      <p className="text-muted">
        A stream closes with code 1000 and <code className={code}>access_changed</code> when what the user can read might have changed.
        Connect again with the last cursor: nothing is lost. The master key skips all of this.
      </p>
      <p>
        <Link href={`/p/${projectId}/endpoints/${endpointId}/access`} className="text-focus underline underline-offset-2">
          Rules and function of this endpoint
        </Link>
      </p>
    </Section>
  );
}

/** The errors of sending a mail that depend on the project's configuration (M1). */
function EmailErrors({ projectId }: { projectId: string }) {
  const code = "text-data text-text";
  return (
    <p className="text-muted">
      POST fails with <code className={code}>email_not_configured</code> until the{" "}
      <Link href={`/p/${projectId}/settings`} className="text-focus underline underline-offset-2">
        project’s settings
      </Link>{" "}
      name a mail server, with <code className={code}>recipient_not_allowed</code> and <code className={code}>sender_not_allowed</code> for
      addresses that they do not allow, and with <code className={code}>rate_limited</code> when too many mails are sent. A mail that the
      mail server refuses is a record whose <code className={code}>data.delivery.state</code> is <code className={code}>failed</code>.
    </p>
  );
}

/** Without a listed origin, apps on other origins can't use the login cookie (S6). */
function NoOrigins({ projectId }: { projectId: string }) {
  return (
    <p className="text-warn">
      This project has no allowed origins, so cookies from other sites are ignored. To log in by cookie,{" "}
      <Link href={`/p/${projectId}/settings`} className="text-focus underline underline-offset-2">
        add your app’s origin
      </Link>
      . Otherwise log in with <code className="text-data">noATCookie=true</code> and send the token as{" "}
      <code className="text-data">Authorization: Bearer</code>.
    </p>
  );
}

function Url({ label, url }: { label: string; url: string }) {
  return (
    <div className="flex items-center gap-4 py-1.5 pr-2 pl-3">
      <dt className="w-20 shrink-0 text-muted">{label}</dt>
      <dd className="flex min-w-0 flex-1 items-center gap-4">
        <span className="min-w-0 flex-1 font-mono text-data wrap-anywhere">{url}</span>
        <CopyButton text={url} what={`the ${label} URL`} />
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
        This project has no working key.{" "}
        <Link href={`/p/${projectId}/keys`} className="text-focus underline underline-offset-2">
          Create a key
        </Link>{" "}
        to call the endpoint.
      </p>
    );
  }
  if (keys.length < 2) return null;
  return (
    <div className="max-w-96">
      <Field label="Key">
        {(attributes) => (
          <select
            {...attributes}
            value={chosen.id}
            onChange={(event) => onChoose(event.target.value)}
            className={`${CONTROL} h-control px-2`}
          >
            {keys.map((key) => (
              <option key={key.id} value={key.id}>
                {toKeyLabel(key, keys, Date.now())}
              </option>
            ))}
          </select>
        )}
      </Field>
    </div>
  );
}
