/** The users of an authentication endpoint. */
import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { getOrigin } from "@/app/lib/current-page";
import { loadEndpoint, loadKeys, loadUser } from "@/app/lib/load-project";
import { listAppUsers, parseAppUsersQuery } from "@/src/management/app-users/list-app-users";
import { getRuntime } from "@/src/runtime/registry";
import { Prefetched } from "@/src/ui/api/prefetched";
import { appUsersQuery, endpointQuery, keysQuery } from "@/src/ui/api/queries";
import { UsersPage } from "@/src/ui/users/users-page";

export const metadata: Metadata = { title: "Users" };

export default async function Page({ params }: { params: Promise<{ project: string; id: string }> }) {
  const { project, id } = await params;
  const { db, clock, config } = getRuntime();
  const [user, endpoint, keys] = await Promise.all([loadUser(), loadEndpoint(project, id), loadKeys(project)]);
  if (endpoint.kind !== "authentication") notFound();
  const query = parseAppUsersQuery(new URLSearchParams());
  const users = await listAppUsers({ db, clock, ownerId: user.id, endpointId: id, query });
  return (
    <Prefetched
      data={[
        [endpointQuery(id).queryKey, endpoint],
        [keysQuery(project).queryKey, keys],
        [appUsersQuery(id, { search: "", after: "" }).queryKey, users],
      ]}
    >
      <UsersPage projectId={project} endpointId={id} origin={await getOrigin(config.publicUrl)} />
    </Prefetched>
  );
}
