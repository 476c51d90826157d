/** Creates, lists and revokes API keys of a project. */

import type { Definitions } from "@/src/core/access/resolved-endpoints";
import type { Clock } from "@/src/core/clock";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { KeyCreate, ManagedKey } from "@/src/shared/management/schemas";
import type { TokenAccess } from "../accounts/token-access";
import { requireOwnProject } from "../ownership";
import { isForeignKeyViolation, parseExpiry } from "../support";
import { toManagedKey } from "../views";
import { createKeyText } from "./secrets";

/** Returns the new key. The default scope is `read_write`. Throws `not_found`, and `fields_invalid` for an expiry that has passed. */
export async function createKey({
  db,
  clock,
  ownerId,
  projectId,
  input,
}: {
  db: Pick<Db, "project" | "apiKey">;
  clock: Clock;
  ownerId: string;
  projectId: string;
  input: KeyCreate;
}): Promise<ManagedKey> {
  const expiresAt = parseExpiry({ expiresAt: input.expiresAt, clock });
  await requireOwnProject({ db, ownerId, projectId });
  const data = { projectId, name: input.name, scope: input.scope ?? "read_write", expiresAt, key: createKeyText() };
  const row = await db.apiKey.create({ data }).catch((error: unknown) => {
    // The project was deleted since it was looked up.
    throw isForeignKeyViolation(error) ? new AppError("not_found", { cause: error }) : error;
  });
  return toManagedKey(row);
}

/** The number of characters shown of a hidden key, enough to recognise it. */
const SHOWN_CHARACTERS = 4;

/**
 * Returns all keys, including revoked and expired ones, oldest first. A token of scope `read` (G21) gets only the first characters of keys that can
 * write. Throws `not_found`.
 */
export async function listKeys({
  db,
  ownerId,
  projectId,
  access = null,
}: {
  db: Pick<Db, "project" | "apiKey">;
  ownerId: string;
  projectId: string;
  /** The access of the management token that makes the request. Null: a session. */
  access?: Pick<TokenAccess, "scope"> | null;
}): Promise<ManagedKey[]> {
  await requireOwnProject({ db, ownerId, projectId });
  const rows = await db.apiKey.findMany({ where: { projectId }, orderBy: [{ createdAt: "asc" }, { id: "asc" }] });
  // A key can be rotated again during its grace period. The newest replacement is last.
  const replacements = new Map(rows.flatMap(({ id, replacesId }) => (replacesId === null ? [] : [[replacesId, id] as const])));
  const keys = rows.map((row) => toManagedKey(row, { replacedById: replacements.get(row.id) ?? null }));
  return access?.scope === "read" ? keys.map(hideWritingKey) : keys;
}

function hideWritingKey(key: ManagedKey): ManagedKey {
  return key.scope === "read" ? key : { ...key, key: `${key.key.slice(0, SHOWN_CHARACTERS)}…` };
}

/** Revokes a key and returns it. Its open streams close (W6). A key that is already revoked keeps its time of revocation. Throws `not_found`. */
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
  const replacement = await db.apiKey.findFirst({
    where: { projectId: row.projectId, replacesId: row.id },
    orderBy: [{ createdAt: "desc" }, { id: "desc" }],
    select: { id: true },
  });
  return toManagedKey(row, { replacedById: replacement?.id ?? null });
}
