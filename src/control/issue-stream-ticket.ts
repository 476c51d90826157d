/** Issues the single-use ticket with which the console opens an endpoint's public stream, so that no key is in the page. */
import type { Clock } from "@/src/core/ports";
import type { Db } from "@/src/db/client";
import type { IssuedTicket } from "@/src/shared/management";
import { toEndpointPath } from "@/src/shared/protocol";
import { requireOwnEndpoint } from "./require-own-endpoint";
import { createSecret, hashSecret } from "./secrets";

const TICKET_MS = 30_000;

/** A ticket for one connection within 30 s. Raises `not_found`. Sweeps tickets that nobody used. */
export async function issueStreamTicket({
  db,
  clock,
  userId,
  endpointId,
}: {
  db: Pick<Db, "endpoint" | "streamTicket">;
  clock: Clock;
  userId: string;
  endpointId: string;
}): Promise<IssuedTicket> {
  const endpoint = await requireOwnEndpoint({ db, ownerId: userId, endpointId });
  const now = clock.now();
  const expiresAt = new Date(now.getTime() + TICKET_MS);
  const ticket = createSecret("");
  await db.streamTicket.deleteMany({ where: { expiresAt: { lt: now } } });
  await db.streamTicket.create({ data: { hash: hashSecret(ticket), userId, endpointId, expiresAt } });
  return { ticket, path: `${toEndpointPath(endpoint.name)}?ticket=${ticket}`, expiresAt: expiresAt.toISOString() };
}
