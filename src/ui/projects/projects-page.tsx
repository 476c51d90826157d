/** All projects as cards. */
"use client";

import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useState } from "react";
import type { ManagedEndpoint, ManagedProject } from "@/src/shared/management/schemas";
import type { ProjectRates } from "@/src/shared/management/traffic";
import { endpointsQuery, projectsQuery } from "../api/queries";
import { Button } from "../components/button";
import { ButtonLink } from "../components/button-link";
import { EmptyState } from "../components/page/empty-state";
import { Page } from "../components/page/page";
import { ProblemPanel } from "../components/page/problem-panel";
import { RelativeTime } from "../components/relative-time";
import { formatPlural } from "../format/format-number";
import { formatRate } from "../traffic/format-traffic";
import { Sparkline } from "../traffic/sparkline";
import { ratesQuery } from "../traffic/traffic-queries";
import { CreateProjectDialog } from "./create-project-dialog";

export function ProjectsPage() {
  const [creating, setCreating] = useState(false);
  const { data: projects, error, refetch } = useQuery(projectsQuery());
  const { data: rates } = useQuery(ratesQuery());
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
            {byActivity(projects, rates).map((project) => (
              <ProjectCard key={project.id} project={project} rates={rates?.find(({ projectId }) => projectId === project.id)} />
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

/** The most active first. The server has sorted the rates. */
function byActivity(projects: readonly ManagedProject[], rates: readonly ProjectRates[] | undefined): readonly ManagedProject[] {
  const places = new Map(rates?.map(({ projectId }, index) => [projectId, index]));
  const placeOf = ({ id }: ManagedProject) => places.get(id) ?? projects.length;
  return projects.toSorted((a, b) => placeOf(a) - placeOf(b));
}

function ProjectCard({ project: { id, name, counts }, rates }: { project: ManagedProject; rates: ProjectRates | undefined }) {
  const { data: endpoints } = useQuery(endpointsQuery(id));
  return (
    <li className="relative flex flex-col gap-3 rounded-md border border-line bg-surface px-4 pt-3.5 pb-3 transition-colors duration-[120ms] hover:border-control">
      <h2 className="text-prose font-semibold wrap-anywhere">
        <Link href={`/p/${id}`} className="no-underline after:absolute after:inset-0 after:rounded-md">
          {name}
        </Link>
      </h2>
      <div className="flex h-6 items-center justify-between gap-4">
        {rates ? (
          <>
            <p className="text-muted">
              {rates.requests === 0 ? "No requests this hour" : formatRate(rates.requests, 3600)}
              {rates.errors > 0 ? <span className="text-delete"> · {formatPlural(rates.errors, "error")}</span> : null}
            </p>
            <Sparkline values={rates.series} />
          </>
        ) : null}
      </div>
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
