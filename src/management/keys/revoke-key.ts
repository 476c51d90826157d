/** Revokes a key, at once and for good (G3, U7). */
import type { Definitions } from "@/src/core/access/resolved-endpoints";
import type { Clock } from "@/src/core/clock";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { ManagedKey } from "@/src/shared/management/schemas";
import { toManagedKey } from "../views";

/** The revoked key; its open sockets end (W6). A key that is revoked already keeps its time. Raises `not_found`. */
export async function revokeKey({
  db,
  clock,
  definitions,
  ownerId,
  keyId,
}: {
  db: Pick<Db, "apiKey">;
  clock: Clock;
  definitions: Pick<Definitions, "invalidate">;
  ownerId: string;
  keyId: string;
}): Promise<ManagedKey> {
  await db.apiKey.updateMany({ where: { id: keyId, revokedAt: null, project: { ownerId } }, data: { revokedAt: clock.now() } });
  const row = await db.apiKey.findFirst({ where: { id: keyId, project: { ownerId } } });
  if (!row) throw new AppError("not_found");
  definitions.invalidate(row.projectId);
  return toManagedKey(row);
}
