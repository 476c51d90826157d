/** Issues a single-use ticket. The console opens an endpoint's public stream with it, so that the page needs no key. */

import type { SignIn } from "@/src/core/access/ports";
import type { Clock } from "@/src/core/clock";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { IssuedTicket } from "@/src/shared/management/schemas";
import { toEndpointPath } from "@/src/shared/streams/protocol";
import { createSecret, hashSecret } from "../keys/secrets";
import { requireOwnEndpoint } from "../ownership";
import { isForeignKeyViolation } from "../support";

export type { SignIn };

const TICKET_MS = 30_000;

/** Issues a ticket for one connection within 30 s. The ticket and the stream end with the sign-in that requested it. Deletes expired tickets. Throws `not_found`. */
export async function issueStreamTicket({
  db,
  clock,
  signIn,
  endpointId,
}: {
  db: Pick<Db, "endpoint" | "streamTicket">;
  clock: Clock;
  signIn: SignIn;
  endpointId: string;
}): Promise<IssuedTicket> {
  const endpoint = await requireOwnEndpoint({ db, ownerId: signIn.userId, endpointId });
  const now = clock.now();
  const expiresAt = new Date(now.getTime() + TICKET_MS);
  const ticket = createSecret("");
  await db.streamTicket.deleteMany({ where: { expiresAt: { lt: now } } });
  const askedBy = signIn.kind === "session" ? { sessionId: signIn.id } : { managementTokenId: signIn.id };
  const data = { hash: hashSecret(ticket), userId: signIn.userId, ...askedBy, endpointId, expiresAt };
  await db.streamTicket.create({ data }).catch((error: unknown) => {
    // The endpoint was deleted since it was looked up.
    throw isForeignKeyViolation(error) ? new AppError("not_found", { cause: error }) : error;
  });
  return { ticket, path: `${toEndpointPath(endpoint.name)}?ticket=${ticket}`, expiresAt: expiresAt.toISOString() };
}
