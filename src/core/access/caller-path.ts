/** On whose behalf a shared resource is used: the path by which callers take turns (fair-queue.ts) and by which their shares are counted. */
import { toNetwork } from "@/src/core/access/client-network";

/** The account that owns the project, the project, and one caller of it: a key with a network, or the dashboard. */
export type CallerPath = readonly [account: string, project: string, caller: string];

/** The path of a request of the data plane; `address`: the client's. Streams that a ticket opened count as one key of their project. */
export function toCallerPath(grant: { ownerId: string; projectId: string; keyId: string | null }, address: string): CallerPath {
  return [grant.ownerId, grant.projectId, `${grant.keyId ?? "ticket"} ${toNetwork(address)}`];
}

/** The path of what an account does with one of its projects through the management API. */
export function toOwnerPath(ownerId: string, projectId: string): CallerPath {
  return [ownerId, projectId, "management"];
}
