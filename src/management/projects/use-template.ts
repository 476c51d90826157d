/** Creates the endpoints of a template with their sample records (G45). */
import { createUniqueId } from "@/src/core/records/unique-id";
import type { Db, DbTransaction } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { EndpointDetail, TemplateUse } from "@/src/shared/management/schemas";
import type { TemplateId } from "@/src/shared/text/templates";
import { storeAccessVersion, storeRules, toStoredRules } from "../access/stored-rules";
import { storeSchema } from "../endpoints/schema";
import { requireOwnProject } from "../ownership";
import { requireEndpointQuota } from "../quotas";
import { isForeignKeyViolation, isUniqueViolation } from "../support";
import { toEndpointDetail } from "../views";
import { TEMPLATE_ENDPOINTS, type TemplateEndpoint } from "./template-endpoints";

interface Place {
  projectId: string;
  /** The author of the first version of the access rules. */
  ownerId: string;
  /** The maximum number of endpoints in a project without a quota of its own. 0: no limit. */
  quota: number;
}

/** Creates all endpoints and records of the template, or none. Returns the main endpoint. Throws `not_found` for the project, `name_taken`, `quota_exceeded`. */
export async function addTemplate({
  db,
  input,
  ...place
}: Place & { db: Pick<Db, "project" | "$transaction">; input: TemplateUse }): Promise<EndpointDetail> {
  await requireOwnProject({ db, ownerId: place.ownerId, projectId: place.projectId });
  try {
    return await db.$transaction((tx) => addTemplateWithin({ tx, template: input.template, ...place }));
  } catch (error) {
    if (isForeignKeyViolation(error)) throw new AppError("not_found", { cause: error });
    throw isUniqueViolation(error) ? templateNameTaken(input.template) : error;
  }
}

/** The same, in the caller's transaction. */
export async function addTemplateWithin({
  tx,
  template,
  ...place
}: Place & { tx: DbTransaction; template: TemplateId }): Promise<EndpointDetail> {
  const [main, ...others] = TEMPLATE_ENDPOINTS[template];
  if (!main) throw new AppError("internal_error", { internal: `the template ${template} has no endpoint` });
  const detail = await addEndpoint(tx, place, main);
  for (const other of others) await addEndpoint(tx, place, other);
  return detail;
}

async function addEndpoint(tx: DbTransaction, { projectId, ownerId, quota }: Place, template: TemplateEndpoint): Promise<EndpointDetail> {
  const { name, description, schema, samples } = template;
  const created = await tx.endpoint.create({ data: { projectId, name, description } });
  await requireEndpointQuota({ tx, projectId, max: quota });
  await storeSchema({ db: tx, endpointId: created.id, schema: JSON.stringify(schema) });
  const rules = toStoredRules(template.rules);
  if (rules !== null) {
    const access = { tx, endpointId: created.id, authorId: ownerId };
    await storeRules({ ...access, rules });
    await storeAccessVersion(access);
  }
  const results = await tx.record.commit(
    created.id,
    samples.map((data) => ({ type: "POST", id: createUniqueId(), contentType: "json", data: JSON.stringify(data) })),
  );
  if (results.some(({ outcome }) => outcome !== "ok"))
    throw new AppError("internal_error", { internal: `the sample records of ${name} were not stored` });
  const row = { ...created, projectId, schema, rules, recordCount: BigInt(samples.length), lastChangeAt: null, subscribers: 0n };
  return toEndpointDetail(row, 0);
}

function templateNameTaken(template: TemplateId): AppError {
  const names = TEMPLATE_ENDPOINTS[template].map(({ name }) => name).join(" or ");
  return new AppError("name_taken", {
    detail: `This project already has an endpoint named ${names}. Rename it, or use the template in another project.`,
  });
}
