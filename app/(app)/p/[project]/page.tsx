/** The overview of a project. */
import { getOrigin } from "@/app/lib/current-page";
import { loadEndpoints, loadKeys, loadProject, loadUsage } from "@/app/lib/load-project";
import { getRuntime } from "@/src/runtime/registry";
import { Prefetched } from "@/src/ui/api/prefetched";
import { endpointsQuery, keysQuery, projectQuery, usageQuery } from "@/src/ui/api/queries";
import { ProjectOverview } from "@/src/ui/projects/project-overview";

export default async function Page({ params }: { params: Promise<{ project: string }> }) {
  const { project: projectId } = await params;
  const [project, endpoints, keys, usage] = await Promise.all([
    loadProject(projectId),
    loadEndpoints(projectId),
    loadKeys(projectId),
    loadUsage(projectId),
  ]);
  return (
    <Prefetched
      data={[
        [projectQuery(projectId).queryKey, project],
        [endpointsQuery(projectId).queryKey, endpoints],
        [keysQuery(projectId).queryKey, keys],
        [usageQuery(projectId).queryKey, usage],
      ]}
    >
      <ProjectOverview projectId={projectId} origin={await getOrigin(getRuntime().config.publicUrl)} />
    </Prefetched>
  );
}
