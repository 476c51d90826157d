/** Identifies the caller of a shared resource: fair queues (fair-queue.ts) and limits use this path. */
import { toNetwork } from "@/src/core/access/client-network";

/** The account that owns the project, the project, and one of its callers: a key with a network, or the dashboard. */
export type CallerPath = readonly [account: string, project: string, caller: string];

/** The path of a data-plane request from the client address `address`. All ticket streams count as one key of their project. */
export function toCallerPath(grant: { ownerId: string; projectId: string; keyId: string | null }, address: string): CallerPath {
  return [grant.ownerId, grant.projectId, `${grant.keyId ?? "ticket"} ${toNetwork(address)}`];
}

/** The path of an account that uses one of its projects through the management API. */
export function toOwnerPath(ownerId: string, projectId: string): CallerPath {
  return [ownerId, projectId, "management"];
}
