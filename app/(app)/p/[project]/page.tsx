/** The overview of a project. */
import { getOrigin } from "@/app/lib/current-page";
import { loadEndpoints, loadErrors, loadHour, loadKeys, loadProject } from "@/app/lib/load-project";
import { getRuntime } from "@/src/runtime/registry";
import { Prefetched } from "@/src/ui/api/prefetched";
import { endpointsQuery, keysQuery, projectQuery } from "@/src/ui/api/queries";
import { ProjectOverview } from "@/src/ui/projects/project-overview";
import { HOUR, recentErrorsQuery, trafficQuery } from "@/src/ui/traffic/traffic-queries";

export default async function Page({ params }: { params: Promise<{ project: string }> }) {
  const { project: projectId } = await params;
  const [project, endpoints, keys, hour, errors] = await Promise.all([
    loadProject(projectId),
    loadEndpoints(projectId),
    loadKeys(projectId),
    loadHour(projectId),
    loadErrors(projectId),
  ]);
  return (
    <Prefetched
      data={[
        [projectQuery(projectId).queryKey, project],
        [endpointsQuery(projectId).queryKey, endpoints],
        [keysQuery(projectId).queryKey, keys],
        [trafficQuery(projectId, HOUR).queryKey, hour],
        [recentErrorsQuery(projectId).queryKey, errors],
      ]}
    >
      <ProjectOverview projectId={projectId} origin={await getOrigin(getRuntime().config.publicUrl)} />
    </Prefetched>
  );
}
