/** The frame of pages outside of projects. */
import type { ReactNode } from "react";
import { loadUser } from "@/app/lib/load-project";
import { listProjects } from "@/src/management/projects/projects";
import { getRuntime } from "@/src/runtime/registry";
import { Prefetched } from "@/src/ui/api/prefetched";
import { projectsQuery } from "@/src/ui/api/queries";
import { Shell } from "@/src/ui/shell/shell";

export default async function PlainLayout({ children }: { children: ReactNode }) {
  const { id, name, email } = await loadUser();
  const { db, clock } = getRuntime();
  return (
    <Prefetched data={[[projectsQuery().queryKey, await listProjects({ db, clock, ownerId: id })]]}>
      <Shell user={{ id, name, email }}>{children}</Shell>
    </Prefetched>
  );
}
