/** Creates an endpoint (G4). */
import { toOwnerPath } from "@/src/core/access/caller-path";
import type { Sandbox } from "@/src/core/sandbox";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { EndpointCreate, EndpointDetail } from "@/src/shared/management/schemas";
import { requireFunction } from "../access/require-function";
import { storeAccessVersion, storeRules, toStoredRules } from "../access/stored-rules";
import { requireOwnProject } from "../ownership";
import { requireEndpointQuota } from "../quotas";
import { isForeignKeyViolation, isUniqueViolation, pickDefined } from "../support";
import { toEndpointDetail } from "../views";
import { refuseEmailJudges, refuseEmailSchema, storeSchema, toSchemaText } from "./schema";

/** Returns the new endpoint. Throws `not_found` for the project, `name_taken`, `quota_exceeded`, what toSchemaText throws for the schema, and what requireFunction throws for the access function. */
export async function createEndpoint({
  db,
  sandbox,
  quota,
  ownerId,
  projectId,
  input,
}: {
  db: Pick<Db, "project" | "$transaction">;
  sandbox: Pick<Sandbox, "checkSchema" | "checkFunction">;
  /** The maximum number of endpoints in a project without a quota of its own. 0: no limit. */
  quota: number;
  ownerId: string;
  projectId: string;
  input: EndpointCreate;
}): Promise<EndpointDetail> {
  await requireOwnProject({ db, ownerId, projectId });
  const { schema = null, rules = null, name, ...sent } = input;
  refuseEmailSchema(sent.kind, schema);
  refuseEmailJudges(sent.kind, { rules, accessFunction: sent.accessFunction });
  // Otherwise everybody with the key, which is public, could send mails.
  const rest = sent.kind === "email" ? { ...sent, secure: sent.secure ?? true } : sent;
  const storedRules = toStoredRules(rules);
  const caller = toOwnerPath(ownerId, projectId);
  const schemaText = await toSchemaText({ sandbox, schema, caller });
  if (typeof rest.accessFunction === "string") await requireFunction({ sandbox, source: rest.accessFunction, caller });
  try {
    const row = await db.$transaction(async (tx) => {
      const created = await tx.endpoint.create({ data: { projectId, name, ...pickDefined(rest) } });
      await requireEndpointQuota({ tx, projectId, max: quota });
      if (schemaText !== null) await storeSchema({ db: tx, endpointId: created.id, schema: schemaText });
      const access = { tx, endpointId: created.id, authorId: ownerId };
      if (storedRules !== null) await storeRules({ ...access, rules: storedRules });
      if (storedRules !== null || created.accessFunction !== null) await storeAccessVersion(access);
      return created;
    });
    return toEndpointDetail({ ...row, projectId, schema, rules: storedRules, lastChangeAt: null, subscribers: 0n }, 0);
  } catch (error) {
    if (isForeignKeyViolation(error)) throw new AppError("not_found", { cause: error });
    throw isUniqueViolation(error) ? endpointNameTaken() : error;
  }
}

/** The error for a name that another endpoint of the project has. */
export function endpointNameTaken(): AppError {
  return new AppError("name_taken", { fields: { name: "Another endpoint of this project has this name." } });
}
