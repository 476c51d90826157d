/** A project's keys. */
import type { Metadata } from "next";
import { orNotFound } from "@/app/lib/or-not-found";
import { requireUser } from "@/app/lib/require-user";
import { getProject } from "@/src/control/get-project";
import { listKeys } from "@/src/control/list-keys";
import { getRuntime } from "@/src/runtime/registry";
import { KeysPage } from "@/src/ui/keys/keys-page";

export const metadata: Metadata = { title: "Keys" };

export default async function Page({ params }: { params: Promise<{ project: string }> }) {
  const { project: projectId } = await params;
  const { id: ownerId } = await requireUser(`/p/${projectId}/keys`);
  const { db, clock } = getRuntime();
  const nowMs = clock.now().getTime();
  const [project, keys] = await orNotFound([projectId], () =>
    Promise.all([getProject({ db, clock, ownerId, projectId }), listKeys({ db, ownerId, projectId })]),
  );
  return <KeysPage project={project} keys={keys} nowMs={nowMs} />;
}
