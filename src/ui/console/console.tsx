/** The live console of one endpoint: list, detail, composer and keyboard shortcuts. */
"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { endpointQuery, endpointsQuery, keysQuery } from "../api/queries";
import { ButtonLink } from "../components/button-link";
import { CodeBlock } from "../components/code-block";
import { copyText } from "../components/copy-button";
import { EmptyState } from "../components/page/empty-state";
import { toPrettyText } from "../json/json-print";
import { parseStored } from "../json/json-tree";
import { notify } from "../notifications/notify";
import { KEY_PLACEHOLDER, preferredKey } from "../snippets/choose-target";
import { type Target, toCurl, toEmailCurl } from "../snippets/snippets";
import { isMarkKind, type StreamEvent } from "../stream/stream-event";
import { Composer, DRAFT_NEW } from "./compose/composer";
import { useComposerDraft } from "./compose/composer-draft";
import { FirstRecord } from "./compose/first-record";
import { type Draft, toDraftRequest } from "./compose/send-record";
import { ConsoleFrame } from "./console-frame";
import type { Detail } from "./engine/console-client";
import type { Flush } from "./engine/console-messages";
import { StoredRecords } from "./list/stored-records";
import { did, useConsoleView } from "./use-console-view";

interface Props {
  projectId: string;
  endpointId: string;
  origin: string;
  initial: Flush;
}

export function Console({ projectId, endpointId, origin, initial }: Props) {
  const [composing, setComposing] = useState(false);
  const bodyRef = useRef<HTMLDivElement>(null);
  const sendRef = useRef<() => void>(undefined);
  const { data: endpoint } = useQuery(endpointQuery(endpointId));
  const { data: keys = [] } = useQuery(keysQuery(projectId));
  const kept = useComposerDraft(endpointId, endpoint?.kind === "authentication");
  const draft = kept.value ?? DRAFT_NEW;
  const endpointName = endpoint?.name ?? "";
  const key = preferredKey(keys, Date.now())?.key ?? KEY_PLACEHOLDER;
  const target = useMemo(() => ({ origin, endpointName, key }), [origin, endpointName, key]);
  const view = useConsoleView({
    scope: { kind: "endpoint", endpointId },
    initial,
    own: ({ detail }) => ({
      "copy-curl": () => copyCurl(detail, target),
      send: () => composing && did(() => sendRef.current?.()),
    }),
  });
  const { flush } = view;

  useDeletedEndpoint(projectId, flush);

  const openComposer = useCallback((open: boolean) => {
    setComposing(open);
    if (open) requestAnimationFrame(() => bodyRef.current?.querySelector<HTMLElement>("textarea,[contenteditable=true]")?.focus());
  }, []);
  const compose = (next: Draft) => {
    kept.set(next);
    openComposer(true);
  };
  const edit = (event: StreamEvent) => {
    const isText = parseStored(event.data).kind === "string";
    // Records sent as text and as a JSON string look the same here. JSON is correct for both.
    const body = isText ? event.data : toPrettyText(parseStored(event.data));
    compose({ method: "PUT", recordId: event.recordId, strategy: "force", format: "json", body });
  };

  // Mails are written by sending them.
  const isMail = endpoint?.kind === "email";
  const isDeleted = flush.connection.state === "ended" && flush.connection.isDeleted === true;
  const isEmpty = flush.total === 0 && flush.history === "complete";
  const toEmpty = (): ReactNode => {
    if (isDeleted && flush.total === 0)
      return (
        <div className="flex-1 overflow-y-auto p-4">
          <EmptyState
            sentence="This endpoint was deleted."
            action={<ButtonLink href={`/p/${projectId}/endpoints`}>Show the other endpoints</ButtonLink>}
          />
        </div>
      );
    if (!isEmpty) return undefined;
    if (endpoint && endpoint.changeCount > 0) return <StoredRecords projectId={projectId} endpoint={endpoint} />;
    if (isMail)
      return (
        <div className="flex-1 overflow-y-auto p-4">
          <EmptyState sentence="No e-mails yet.">
            <CodeBlock code={toEmailCurl(target)} what="the curl command" title="Send with curl" />
          </EmptyState>
        </div>
      );
    return <FirstRecord endpointId={endpointId} target={target} />;
  };
  return (
    <ConsoleFrame
      view={view}
      empty={toEmpty()}
      name={endpointName}
      toEndpointId={() => endpointId}
      detail={{
        canRestore: endpoint?.kind === "data",
        onEdit: isMail ? undefined : edit,
        onDelete: isMail ? undefined : (event) => compose({ ...DRAFT_NEW, method: "DELETE", recordId: event.recordId }),
      }}
      below={
        isMail || isDeleted ? null : (
          <Composer
            projectId={projectId}
            schema={endpoint?.schema}
            isSecret={endpoint?.kind === "authentication"}
            endpointId={endpointId}
            target={target}
            draft={draft}
            onDraft={kept.set}
            restoredAtMs={kept.restoredAtMs}
            onDiscard={kept.clear}
            onSent={kept.settle}
            open={composing}
            onOpen={openComposer}
            sendRef={sendRef}
            bodyRef={bodyRef}
          />
        )
      }
    />
  );
}

/** Copies the request that makes the same change. */
function copyCurl(detail: Detail | undefined, target: Target): boolean {
  const event = detail?.event;
  if (!event || isMarkKind(event.kind)) return false;
  const { kind, recordId, data: body } = event;
  const method = kind === "create" ? "POST" : kind === "update" ? "PUT" : "DELETE";
  const text = toCurl(toDraftRequest({ method, recordId, strategy: "force", format: "json", body }, target));
  void copyText(text).then((done) => notify(done ? "curl command copied." : "Couldn’t copy. Open the composer and copy it there."));
  return true;
}

/** Once the endpoint was deleted, the sidebar and the pages of the project no longer list it. */
function useDeletedEndpoint(projectId: string, { connection }: Flush): void {
  const queries = useQueryClient();
  const isDeleted = connection.state === "ended" && connection.isDeleted === true;
  useEffect(() => {
    if (isDeleted) void queries.invalidateQueries({ queryKey: endpointsQuery(projectId).queryKey });
  }, [isDeleted, projectId, queries]);
}
