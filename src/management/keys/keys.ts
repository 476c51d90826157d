/** API keys of a project: created, listed, revoked. */

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

/** The new key; reads and writes unless `scope` says less. Raises `not_found`, `fields_invalid` for an expiry that has passed. */
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
    // Deleted since it was looked up.
    throw isForeignKeyViolation(error) ? new AppError("not_found", { cause: error }) : error;
  });
  return toManagedKey(row);
}

/** Of a key that is not shown: enough to recognise it by. */
const SHOWN_CHARACTERS = 4;

/**
 * Every key, revoked and expired ones too, oldest first. For a token of scope `read` (G21) only the first characters of those that may write. Throws
 * `not_found`.
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
  /** What the management token that asks may do; null: a session. */
  access?: Pick<TokenAccess, "scope"> | null;
}): Promise<ManagedKey[]> {
  await requireOwnProject({ db, ownerId, projectId });
  const rows = await db.apiKey.findMany({ where: { projectId }, orderBy: [{ createdAt: "asc" }, { id: "asc" }] });
  const keys = rows.map(toManagedKey);
  return access?.scope === "read" ? keys.map(hideWritingKey) : keys;
}

function hideWritingKey(key: ManagedKey): ManagedKey {
  return key.scope === "read" ? key : { ...key, key: `${key.key.slice(0, SHOWN_CHARACTERS)}…` };
}

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
