/** JSON Schemas of endpoints: how they are stored, and a check without a write. */
import type { CallerPath } from "@/src/core/access/caller-path";
import { toOwnerPath } from "@/src/core/access/caller-path";
import type { Sandbox } from "@/src/core/sandbox";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { SchemaCheck, SchemaChecked } from "@/src/shared/management/schemas";
import { SCHEMA_BYTES_MAX } from "@/src/shared/management/schemas";
import { requireOwnEndpoint } from "../ownership";

/**
 * The text of a schema that was sent; null: none. Raises `fields_invalid` for the field `schema` when it is too large or none that can be
 * evaluated, `schema_limit`, `server_busy`. `caller`: on whose behalf it is checked.
 */
export async function toSchemaText({
  sandbox,
  schema,
  caller,
}: {
  sandbox: Pick<Sandbox, "checkSchema">;
  schema: unknown;
  caller: CallerPath;
}): Promise<string | null> {
  if (schema === null) return null;
  const text = JSON.stringify(schema);
  if (Buffer.byteLength(text) > SCHEMA_BYTES_MAX) throw schemaInvalid(`Use ${SCHEMA_BYTES_MAX / 1024} KiB at most.`);
  const problem = await sandbox.checkSchema(text, { caller });
  if (problem !== undefined) throw schemaInvalid(problem);
  return text;
}

/** Stores it, as a statement of its own: what the client makes of null would be JSON's null, not the database's. */
export async function storeSchema({
  db,
  endpointId,
  schema,
}: {
  db: Pick<Db, "$executeRaw">;
  endpointId: string;
  schema: string | null;
}): Promise<void> {
  await db.$executeRaw`UPDATE "Endpoint" SET "schema" = ${schema}::json, "updatedAt" = now() WHERE "id" = ${endpointId}::uuid`;
}

function schemaInvalid(problem: string): AppError {
  return new AppError("fields_invalid", { detail: `The schema is not valid. ${problem}`, fields: { schema: problem } });
}

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
