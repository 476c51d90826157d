/** JSON Schemas of endpoints: validation, storage, and a check of a body without a write. */
import type { CallerPath } from "@/src/core/access/caller-path";
import { toOwnerPath } from "@/src/core/access/caller-path";
import type { Sandbox } from "@/src/core/sandbox";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { SchemaCheck, SchemaChecked } from "@/src/shared/management/schemas";
import { SCHEMA_BYTES_MAX } from "@/src/shared/management/schemas";
import type { EndpointKind } from "@/src/shared/streams/protocol";
import { requireOwnEndpoint } from "../ownership";

/**
 * Returns the JSON text of a schema, or null if there is none. Throws `fields_invalid` for the field `schema` if it is too large or cannot be evaluated,
 * `schema_limit`, and `server_busy`. The check counts against the CPU budget of `caller`.
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

/** Stores the schema with a statement of its own, because the Prisma client would store null as JSON null instead of SQL NULL. */
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

/** The bodies of e-mail endpoints have a fixed form. Throws `fields_invalid` for a schema other than null. */
export function refuseEmailSchema(kind: EndpointKind | undefined, schema: unknown): void {
  if (kind === "email" && schema !== null && schema !== undefined)
    throw schemaInvalid("E-mail endpoints have no schema of their own. Use null.");
}

/** Throws `fields_invalid` if an e-mail endpoint would get access rules or an access function: the project's e-mail configuration decides there. */
export function refuseEmailJudges(kind: EndpointKind | undefined, judges: { rules?: unknown; accessFunction?: unknown }): void {
  if (kind !== "email") return;
  for (const [field, value] of Object.entries(judges)) {
    if (value === null || value === undefined) continue;
    const problem = "E-mail endpoints have neither access rules nor an access function. Use null.";
    throw new AppError("fields_invalid", { detail: problem, fields: { [field]: problem } });
  }
}

function schemaInvalid(problem: string): AppError {
  return new AppError("fields_invalid", { detail: `The schema is not valid. ${problem}`, fields: { schema: problem } });
}

/** Checks a body as the endpoint would, and stores nothing. Throws `not_found`, `fields_invalid`, and what toSchemaText throws. */
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
  // Any JSON value is a body, null too. Only an absent one is an error.
  if (input.body === undefined) throw new AppError("fields_invalid", { fields: { body: "This field is required." } });
  const { projectId } = await requireOwnEndpoint({ db, ownerId, endpointId });
  const caller = toOwnerPath(ownerId, projectId);
  const schema = await toSchemaText({ sandbox, schema: input.schema, caller });
  if (schema === null) return { valid: true, problems: {} };
  const mismatch = await sandbox.validate(schema, [JSON.stringify(input.body)], { caller });
  return { valid: mismatch === undefined, problems: { ...mismatch?.problems } };
}
