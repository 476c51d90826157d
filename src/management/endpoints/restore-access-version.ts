/** Goes back to an earlier version of an endpoint's access (A5). */
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import { checkBody } from "@/src/shared/field-problems";
import { accessRulesSchema } from "@/src/shared/management/access";
import type { EndpointDetail } from "@/src/shared/management/schemas";
import { toRulesView } from "../access/stored-rules";
import { requireOwnEndpoint } from "../ownership";
import { updateEndpoint } from "./endpoints";

/**
 * Makes the access what it was in the version `number`, which becomes the newest version. Throws `not_found` for the endpoint, and `fields_invalid` if
 * there is no such version, or if this release cannot evaluate it.
 */
export async function restoreAccessVersion({
  number,
  ...options
}: Omit<Parameters<typeof updateEndpoint>[0], "patch" | "db"> & {
  db: Parameters<typeof updateEndpoint>[0]["db"] & Pick<Db, "accessVersion">;
  number: number;
}): Promise<EndpointDetail> {
  const { db, ownerId, endpointId } = options;
  await requireOwnEndpoint({ db, ownerId, endpointId });
  const version = await db.accessVersion.findUnique({ where: { endpointId_number: { endpointId, number } } });
  if (!version) throw new AppError("fields_invalid", { fields: { number: "There is no such version. The newest 50 are kept." } });
  const rules = toRulesView(version.rules);
  const checked = rules === null ? undefined : checkBody(accessRulesSchema, rules);
  if (checked?.ok === false) {
    const [problem] = Object.values(checked.fields);
    throw new AppError("fields_invalid", { fields: { number: `The rules of this version are not valid any more. ${problem ?? ""}` } });
  }
  return updateEndpoint({ ...options, patch: { rules, accessFunction: version.accessFunction } });
}
