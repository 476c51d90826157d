/** A project's keys. */
import type { Metadata } from "next";
import { loadKeys, loadProject } from "@/app/lib/load-project";
import { getRuntime } from "@/src/runtime/registry";
import { KeysPage } from "@/src/ui/keys/keys-page";

export const metadata: Metadata = { title: "Keys" };

export default async function Page({ params }: { params: Promise<{ project: string }> }) {
  const { project: projectId } = await params;
  const nowMs = getRuntime().clock.now().getTime();
  const [project, keys] = await Promise.all([loadProject(projectId), loadKeys(projectId)]);
  return <KeysPage project={project} keys={keys} nowMs={nowMs} />;
}
