/** The frame of pages outside of projects. */
import type { ReactNode } from "react";
import { loadProjects, loadUser } from "@/app/lib/load-project";
import { Prefetched } from "@/src/ui/api/prefetched";
import { projectsQuery } from "@/src/ui/api/queries";
import { Shell } from "@/src/ui/shell/shell";

export default async function PlainLayout({ children }: { children: ReactNode }) {
  const { id, name, email } = await loadUser();
  return (
    <Prefetched data={[[projectsQuery().queryKey, await loadProjects()]]}>
      <Shell user={{ id, name, email }}>{children}</Shell>
    </Prefetched>
  );
}
