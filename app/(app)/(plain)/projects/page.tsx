/** All projects of the account. */
import type { Metadata } from "next";
import { loadEndpoints, loadProjects, loadUser } from "@/app/lib/load-project";
import { orPageFailure } from "@/app/lib/page-failure";
import { readProjectRates } from "@/src/management/traffic/read-traffic";
import { getRuntime } from "@/src/runtime/registry";
import { Prefetched } from "@/src/ui/api/prefetched";
import { endpointsQuery, projectsQuery } from "@/src/ui/api/queries";
import { ProjectsPage } from "@/src/ui/projects/projects-page";
import { ratesQuery } from "@/src/ui/traffic/traffic-queries";

export const metadata: Metadata = { title: "Projects" };

/** The server reads the endpoints of this many projects for the first paint. Cards of further projects load theirs in the browser. */
const PREPARED_MAX = 20;

export default async function Page() {
  const { id: ownerId } = await loadUser();
  const { db, clock } = getRuntime();
  const projects = await loadProjects();
  const prepared = projects.slice(0, PREPARED_MAX);
  const rates = await orPageFailure(() => readProjectRates({ db, ownerId, projectIds: null, now: clock.now() }));
  const endpoints = await Promise.all(prepared.map(async ({ id }) => [endpointsQuery(id).queryKey, await loadEndpoints(id)] as const));
  return (
    <Prefetched data={[[projectsQuery().queryKey, projects], [ratesQuery().queryKey, rates], ...endpoints]}>
      <ProjectsPage />
    </Prefetched>
  );
}
