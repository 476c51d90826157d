/** All projects of the account. */
import type { Metadata } from "next";
import { loadEndpoints, loadUser } from "@/app/lib/load-project";
import { listProjects } from "@/src/management/projects/projects";
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
  const projects = await listProjects({ db, clock, ownerId });
  const prepared = projects.slice(0, PREPARED_MAX);
  const rates = await readProjectRates({ db, ownerId, projectIds: null, now: clock.now() });
  const endpoints = await Promise.all(prepared.map(async ({ id }) => [endpointsQuery(id).queryKey, await loadEndpoints(id)] as const));
  return (
    <Prefetched data={[[projectsQuery().queryKey, projects], [ratesQuery().queryKey, rates], ...endpoints]}>
      <ProjectsPage />
    </Prefetched>
  );
}
