/** Creates a project with its first key (G2). */
import type { Clock } from "@/src/core/ports";
import type { Db } from "@/src/db/client";
import type { ProjectCreate, ProjectCreated } from "@/src/shared/management";
import { createKeyText } from "./secrets";
import { projectSelect, toManagedKey, toManagedProject } from "./views";

export const FIRST_KEY_NAME = "First key";

/** The new project; its first key may read and write. */
export async function createProject({
  db,
  clock,
  ownerId,
  input,
}: {
  db: Pick<Db, "project">;
  clock: Clock;
  ownerId: string;
  input: ProjectCreate;
}): Promise<ProjectCreated> {
  const row = await db.project.create({
    data: {
      ownerId,
      name: input.name,
      allowedOrigins: input.allowedOrigins ?? [],
      disallowNoOrigin: input.disallowNoOrigin ?? false,
      rateLimit: input.rateLimit ?? null,
      keys: { create: { name: FIRST_KEY_NAME, key: createKeyText() } },
    },
    select: { ...projectSelect(clock.now()), keys: true },
  });
  return { ...toManagedProject(row), keys: row.keys.map(toManagedKey) };
}
