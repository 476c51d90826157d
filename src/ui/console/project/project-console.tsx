/** The live console of a project: the changes of all its endpoints in one list. */
"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { endpointsQuery } from "../../api/queries";
import { ButtonLink } from "../../components/button-link";
import { EmptyState } from "../../components/page/empty-state";
import { formatCount, formatPlural } from "../../format/format-number";
import { ConsoleFrame } from "../console-frame";
import type { Flush } from "../engine/console-messages";
import { useConsoleView } from "../use-console-view";

interface Props {
  projectId: string;
  projectName: string;
  initial: Flush;
}

export function ProjectConsole({ projectId, projectName, initial }: Props) {
  const view = useConsoleView({ scope: { kind: "project", projectId }, initial, own: () => ({}) });
  const { flush, endpoints } = view;
  const present = endpoints?.endpoints.filter(({ isDeleted }) => !isDeleted) ?? [];
  useChangedEndpoints(projectId, present.length);
  const isEmpty = endpoints !== undefined && flush.total === 0 && flush.history === "complete" && !view.isFiltered;
  const followed = endpoints ? Math.min(endpoints.streamed, present.length) : 0;
  return (
    <div className="flex h-dvh min-h-0 flex-col max-md:h-[calc(100dvh-3rem)]">
      <header className="flex h-12 shrink-0 items-center gap-2 border-b border-line px-4">
        <h1 className="truncate font-semibold">Live</h1>
        <p className="truncate text-muted">
          {endpoints ? `${formatPlural(present.length, "endpoint")} of ${projectName}` : `All endpoints of ${projectName}`}
        </p>
      </header>
      <div className="relative min-h-0 flex-1">
        <ConsoleFrame
          view={view}
          name={projectName}
          toEndpointId={(event) => endpoints?.endpoints[event?.source ?? 0]?.id ?? ""}
          detail={{ canRestore: false, onEdit: undefined, onDelete: undefined }}
          note={
            endpoints && present.length > followed ? (
              <p className="shrink-0 border-b border-line px-4 py-1.5 text-muted max-sm:px-3">
                Streams of the {formatCount(followed)} most active of {formatCount(present.length)} endpoints. Changes of the others appear
                within a few seconds.
              </p>
            ) : null
          }
          empty={
            isEmpty ? (
              <div className="flex-1 overflow-y-auto p-4">
                <EmptyState
                  sentence={
                    present.length === 0 ? "This project has no endpoints." : "No changes yet. Changes of all endpoints will appear here."
                  }
                  action={<ButtonLink href={`/p/${projectId}/endpoints`}>Show the endpoints</ButtonLink>}
                />
              </div>
            ) : undefined
          }
        />
      </div>
    </div>
  );
}

/** The sidebar lists endpoints that were created or deleted meanwhile. */
function useChangedEndpoints(projectId: string, count: number): void {
  const queries = useQueryClient();
  useEffect(() => {
    if (count > 0) void queries.invalidateQueries({ queryKey: endpointsQuery(projectId).queryKey });
  }, [count, projectId, queries]);
}
