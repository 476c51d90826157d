/** A project's settings. */
import type { Metadata } from "next";
import { loadProject } from "@/app/lib/load-project";
import { getRuntime } from "@/src/runtime/registry";
import { ProjectSettingsPage } from "@/src/ui/projects/project-settings-page";

export const metadata: Metadata = { title: "Project settings" };

export default async function Page({ params }: { params: Promise<{ project: string }> }) {
  const project = await loadProject((await params).project);
  return <ProjectSettingsPage key={project.id} project={project} serverRateLimit={getRuntime().config.rateLimit} />;
}
