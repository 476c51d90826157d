/** A project's settings. */
import type { Metadata } from "next";
import { orNotFound } from "@/app/lib/or-not-found";
import { requireUser } from "@/app/lib/require-user";
import { getProject } from "@/src/control/get-project";
import { getRuntime } from "@/src/runtime/registry";
import { ProjectSettingsPage } from "@/src/ui/settings/project-settings-page";

export const metadata: Metadata = { title: "Project settings" };

export default async function Page({ params }: { params: Promise<{ project: string }> }) {
  const { project: projectId } = await params;
  const { id: ownerId } = await requireUser(`/p/${projectId}/settings`);
  const { db, clock } = getRuntime();
  const project = await orNotFound([projectId], () => getProject({ db, clock, ownerId, projectId }));
  return <ProjectSettingsPage key={project.id} project={project} />;
}
