/** Creates a publishable key (G3, U7). */
import type { Clock } from "@/src/core/clock";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { KeyCreate, ManagedKey } from "@/src/shared/management/schemas";
import { isForeignKeyViolation } from "../constraint-violation";
import { parseExpiry } from "../parse-expiry";
import { requireOwnProject } from "../projects/require-own-project";
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
