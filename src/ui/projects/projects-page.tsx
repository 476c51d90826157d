/** All projects as cards. */
"use client";

import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useState } from "react";
import type { ManagedEndpoint, ManagedProject } from "@/src/shared/management/schemas";
import { endpointsQuery, projectsQuery } from "../api/queries";
import { Button } from "../components/button";
import { ButtonLink } from "../components/button-link";
import { EmptyState } from "../components/page/empty-state";
import { Page } from "../components/page/page";
import { ProblemPanel } from "../components/page/problem-panel";
import { RelativeTime } from "../components/relative-time";
import { formatPlural } from "../format/format-number";
import { CreateProjectDialog } from "./create-project-dialog";

export function ProjectsPage() {
  const [creating, setCreating] = useState(false);
  const { data: projects, error, refetch } = useQuery(projectsQuery());
  const isEmpty = projects?.length === 0;
  return (
    <Page
      title="Projects"
      actions={
        isEmpty ? undefined : (
          <Button tone="primary" onClick={() => setCreating(true)}>
            New project
          </Button>
        )
      }
    >
      {projects ? (
        isEmpty ? (
          <EmptyState
            sentence="A project contains endpoints that store JSON, and the keys to access them."
            action={
              <ButtonLink tone="primary" href="/start">
                Create your first endpoint
              </ButtonLink>
            }
          />
        ) : (
          <ul className="grid grid-cols-[repeat(auto-fill,minmax(17rem,1fr))] gap-3">
            {projects.map((project) => (
              <ProjectCard key={project.id} project={project} />
            ))}
          </ul>
        )
      ) : error ? (
        <ProblemPanel what="Couldn’t load projects." error={error} onRetry={refetch} />
      ) : null}
      <CreateProjectDialog open={creating} onOpenChange={setCreating} />
    </Page>
  );
}

function ProjectCard({ project: { id, name, counts } }: { project: ManagedProject }) {
  const { data: endpoints } = useQuery(endpointsQuery(id));
  return (
    <li className="relative flex flex-col gap-6 rounded-md border border-line bg-surface px-4 pt-3.5 pb-3 transition-colors duration-[120ms] hover:border-control">
      <h2 className="text-prose font-semibold wrap-anywhere">
        <Link href={`/p/${id}`} className="no-underline after:absolute after:inset-0 after:rounded-md">
          {name}
        </Link>
      </h2>
      <p className="flex flex-wrap justify-between gap-x-4 text-muted">
        <span>
          {formatPlural(counts.endpoints, "endpoint")} · {formatPlural(counts.keys, "key")}
        </span>
        {endpoints ? (
          <span>
            <RelativeTime time={findLastChange(endpoints)} never="No changes yet" />
          </span>
        ) : null}
      </p>
    </li>
  );
}

/** The newest of the endpoints' last changes; null if nothing was ever written. */
function findLastChange(endpoints: readonly Pick<ManagedEndpoint, "lastChangeAt">[]): string | null {
  // Times in ISO 8601 and UTC sort as texts.
  return endpoints.reduce<string | null>(
    (latest, { lastChangeAt }) => (lastChangeAt !== null && (latest === null || lastChangeAt > latest) ? lastChangeAt : latest),
    null,
  );
}
