/** Endpoints' JSON Schemas (R10) on their way into the database: only what can be evaluated is stored. */
import type { CallerPath } from "@/src/core/access/caller-path";
import type { Sandbox } from "@/src/core/sandbox";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import { SCHEMA_BYTES_MAX } from "@/src/shared/management/schemas";

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
