/** A project's keys. */
import type { Metadata } from "next";
import { loadKeys, loadProject } from "@/app/lib/load-project";
import { Prefetched } from "@/src/ui/api/prefetched";
import { keysQuery, projectQuery } from "@/src/ui/api/queries";
import { KeysPage } from "@/src/ui/keys/keys-page";

export const metadata: Metadata = { title: "Keys" };

export default async function Page({ params }: { params: Promise<{ project: string }> }) {
  const { project: projectId } = await params;
  const [project, keys] = await Promise.all([loadProject(projectId), loadKeys(projectId)]);
  return (
    <Prefetched
      data={[
        [projectQuery(projectId).queryKey, project],
        [keysQuery(projectId).queryKey, keys],
      ]}
    >
      <KeysPage projectId={projectId} />
    </Prefetched>
  );
}
