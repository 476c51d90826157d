/** Tries a JSON Schema on a body before it is stored (R10): what its author sees while writing it. */
import { toOwnerPath } from "@/src/core/access/caller-path";
import type { Sandbox } from "@/src/core/sandbox";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { SchemaCheck, SchemaChecked } from "@/src/shared/management/schemas";
import { requireOwnEndpoint } from "./require-own-endpoint";
import { toSchemaText } from "./schema-text";

/** Whether the body matches, as it would be checked at the endpoint; nothing is stored. Raises `not_found`, `fields_invalid`, and what toSchemaText raises. */
export async function checkSchema({
  db,
  sandbox,
  ownerId,
  endpointId,
  input,
}: {
  db: Pick<Db, "endpoint">;
  sandbox: Pick<Sandbox, "checkSchema" | "validate">;
  ownerId: string;
  endpointId: string;
  input: SchemaCheck;
}): Promise<SchemaChecked> {
  // Whatever a body may be, it has to be there: null is one.
  if (input.body === undefined) throw new AppError("fields_invalid", { fields: { body: "This field is required." } });
  const { projectId } = await requireOwnEndpoint({ db, ownerId, endpointId });
  const caller = toOwnerPath(ownerId, projectId);
  const schema = await toSchemaText({ sandbox, schema: input.schema, caller });
  if (schema === null) return { valid: true, problems: {} };
  const mismatch = await sandbox.validate(schema, [JSON.stringify(input.body)], { caller });
  return { valid: mismatch === undefined, problems: { ...mismatch?.problems } };
}
