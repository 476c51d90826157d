/** The frame of a project's pages. */
import type { Metadata } from "next";
import type { ReactNode } from "react";
import { loadEndpoints, loadProject, loadProjects, loadUser } from "@/app/lib/load-project";
import { Prefetched } from "@/src/ui/api/prefetched";
import { endpointsQuery, projectQuery, projectsQuery } from "@/src/ui/api/queries";
import { Shell } from "@/src/ui/shell/shell";

interface Props {
  children: ReactNode;
  params: Promise<{ project: string }>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { name } = await loadProject((await params).project);
  return { title: { default: name, template: `%s · ${name} · Rested` } };
}

export default async function ProjectLayout({ children, params }: Props) {
  const { project: projectId } = await params;
  const user = await loadUser();
  const [project, endpoints, projects] = await Promise.all([loadProject(projectId), loadEndpoints(projectId), loadProjects()]);
  return (
    <Prefetched
      data={[
        [projectsQuery().queryKey, projects],
        [projectQuery(projectId).queryKey, project],
        [endpointsQuery(projectId).queryKey, endpoints],
      ]}
    >
      <Shell user={{ id: user.id, name: user.name, email: user.email }} projectId={projectId}>
        {children}
      </Shell>
    </Prefetched>
  );
}
