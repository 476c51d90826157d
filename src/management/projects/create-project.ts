/** Creates a project with its first key (G2). */
import type { Clock } from "@/src/core/clock";
import type { Db, DbTransaction } from "@/src/db/client";
import type { ProjectCreate, ProjectCreated } from "@/src/shared/management/schemas";
import { createKeyText } from "../keys/secrets";
import { requireProjectQuota } from "../quotas";
import { projectSelect, toManagedKey, toManagedProject } from "../views";

export const FIRST_KEY_NAME = "First key";

interface CreateRequest {
  clock: Clock;
  /** The maximum number of projects of an account. 0: no limit. */
  quota: number;
  ownerId: string;
  input: ProjectCreate;
}

/** Returns the new project. Its first key can read and write. Throws `quota_exceeded`. */
export function createProject({ db, ...request }: CreateRequest & { db: Pick<Db, "$transaction"> }): Promise<ProjectCreated> {
  return db.$transaction((tx) => createProjectWithin({ tx, ...request }));
}

/** The same, in the caller's transaction. */
export async function createProjectWithin({
  tx,
  clock,
  quota,
  ownerId,
  input,
}: CreateRequest & { tx: Pick<DbTransaction, "project" | "$queryRaw"> }): Promise<ProjectCreated> {
  await requireProjectQuota({ tx, ownerId, max: quota });
  const row = await tx.project.create({
    data: {
      ownerId,
      name: input.name,
      allowedOrigins: input.allowedOrigins ?? [],
      allowNullOrigin: input.allowNullOrigin ?? false,
      disallowNoOrigin: input.disallowNoOrigin ?? false,
      rateLimit: input.rateLimit ?? null,
      keys: { create: { name: FIRST_KEY_NAME, key: createKeyText() } },
    },
    select: { ...projectSelect(clock.now()), keys: true },
  });
  return { ...toManagedProject(row), keys: row.keys.map((key) => toManagedKey(key)) };
}
