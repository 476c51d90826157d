/** Replaces a key by a new one, with a grace period in which both work (G3, U7). */
import type { Definitions } from "@/src/core/access/resolved-endpoints";
import type { Clock } from "@/src/core/clock";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { KeyRotate, RotatedKey } from "@/src/shared/management/schemas";
import { parseExpiry } from "../support";
import { toManagedKey } from "../views";
import { createKeyText } from "./secrets";

/**
 * Returns the new key, with the same name and scope. The old one expires after `graceSeconds`, or at its own expiry if that is earlier; with 0 it is
 * revoked immediately. Throws `not_found`, and `key_already_revoked` for a key that no longer works.
 */
export async function rotateKey({
  db,
  clock,
  definitions,
  ownerId,
  keyId,
  input,
}: {
  db: Pick<Db, "$transaction">;
  clock: Clock;
  definitions: Pick<Definitions, "invalidate">;
  ownerId: string;
  keyId: string;
  input: KeyRotate;
}): Promise<RotatedKey> {
  const now = clock.now();
  const expiresAt = parseExpiry({ expiresAt: input.expiresAt, clock });
  const graceEnd = new Date(now.getTime() + input.graceSeconds * 1000);
  const rotated = await db.$transaction(async (tx) => {
    // The row lock serialises concurrent rotations and revocations.
    await tx.$executeRaw`SELECT 1 FROM "ApiKey" WHERE "id" = ${keyId}::uuid FOR UPDATE`;
    const old = await tx.apiKey.findFirst({ where: { id: keyId, project: { ownerId } } });
    if (!old) throw new AppError("not_found");
    if (old.revokedAt !== null || (old.expiresAt !== null && old.expiresAt <= now)) throw new AppError("key_already_revoked");
    const end = old.expiresAt !== null && old.expiresAt < graceEnd ? old.expiresAt : graceEnd;
    const previous = await tx.apiKey.update({
      where: { id: keyId },
      data: input.graceSeconds === 0 ? { revokedAt: now } : { expiresAt: end },
    });
    const key = await tx.apiKey.create({
      data: { projectId: old.projectId, name: old.name, scope: old.scope, expiresAt, key: createKeyText(), replacesId: old.id },
    });
    return { key, previous };
  });
  definitions.invalidate(rotated.key.projectId);
  return { ...toManagedKey(rotated.key), previous: toManagedKey(rotated.previous, { replacedById: rotated.key.id }) };
}
