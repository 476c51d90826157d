/** Creates a project, its first endpoint and its first key from one text ("What are you storing?"), or from a template (G45). */
import type { Clock } from "@/src/core/clock";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { Start, Started } from "@/src/shared/management/schemas";
import { startNames } from "@/src/shared/text/start-names";
import { toEndpointDetail } from "../views";
import { createProjectWithin } from "./create-project";
import { addTemplateWithin } from "./use-template";

/** Creates everything, or nothing. Throws `quota_exceeded`, and `fields_invalid` for a text without a letter or digit. */
export function startProject({
  db,
  clock,
  quotas,
  ownerId,
  input,
}: {
  db: Pick<Db, "$transaction">;
  clock: Clock;
  /** The maximum numbers of projects of an account, and of endpoints of a project. 0: no limit. */
  quotas: { projects: number; endpoints: number };
  ownerId: string;
  input: Start;
}): Promise<Started> {
  const names = startNames(input.name);
  if (!names) throw new AppError("fields_invalid", { fields: { name: "Use at least one letter or digit." } });
  return db.$transaction(async (tx) => {
    const { keys, ...project } = await createProjectWithin({ tx, clock, quota: quotas.projects, ownerId, input: { name: names.project } });
    const [key] = keys;
    if (!key) throw new AppError("internal_error", { internal: "a project was created without its first key" });
    const started = { project: { ...project, counts: { ...project.counts, endpoints: 1 } }, key };
    if (input.template !== undefined) {
      const place = { projectId: project.id, ownerId, quota: quotas.endpoints };
      return { ...started, endpoint: await addTemplateWithin({ tx, template: input.template, ...place }) };
    }
    const endpoint = await tx.endpoint.create({ data: { projectId: project.id, name: names.endpoint } });
    return { ...started, endpoint: toEndpointDetail({ ...endpoint, projectId: project.id, lastChangeAt: null, subscribers: 0n }, 0) };
  });
}
