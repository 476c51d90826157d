/** The live console of a project. */
import type { Metadata } from "next";
import { NuqsAdapter } from "nuqs/adapters/next/app";
import { loadProject } from "@/app/lib/load-project";
import { ConsoleEngine } from "@/src/ui/console/engine/console-engine";
import { parseFilter } from "@/src/ui/console/engine/event-filter";
import { ProjectConsole } from "@/src/ui/console/project/project-console";

export const metadata: Metadata = { title: "Live" };

export default async function Page({ params }: { params: Promise<{ project: string }> }) {
  const { project: projectId } = await params;
  const project = await loadProject(projectId);
  // The worker reads the log, and connects to the endpoints.
  const filter = parseFilter({ q: null, op: null, dim: null, time: null }, true);
  const engine = new ConsoleEngine({ limits: { eventsMax: 1, bytesMax: 1 }, filter, nowMs: () => Date.now() });
  return (
    <NuqsAdapter>
      <ProjectConsole key={projectId} projectId={projectId} projectName={project.name} initial={engine.flush()} />
    </NuqsAdapter>
  );
}
