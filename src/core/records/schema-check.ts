/** Validates bodies against the endpoint's JSON Schema (R10). The sandbox evaluates the schema. */
import type { CallerPath } from "@/src/core/access/caller-path";
import type { Sandbox } from "@/src/core/sandbox";
import { AppError } from "@/src/shared/errors";

/** How many problems the detail describes; `fields` contains all. */
const NAMED_MAX = 3;

/**
 * Settles if every text matches the schema, or if there is none (null). Throws `schema_mismatch` with `fields` by JSON pointer into the sent body,
 * `schema_limit` or `server_busy`. `inArray`: the texts are the items of one sent array, so pointers begin with the index of the item. `caller`: see
 * the port.
 */
export async function requireSchemaMatch({
  sandbox,
  schema,
  texts,
  inArray = false,
  caller,
}: {
  sandbox: Pick<Sandbox, "validate">;
  schema: string | null;
  texts: readonly string[];
  inArray?: boolean;
  caller: CallerPath;
}): Promise<void> {
  if (schema === null || texts.length === 0) return;
  const mismatch = await sandbox.validate(schema, texts, { caller });
  if (!mismatch) return;
  const base = inArray ? `/${mismatch.index}` : "";
  const problems = Object.entries(mismatch.problems).map(([pointer, problem]) => [`${base}${pointer}`, problem] as const);
  throw new AppError("schema_mismatch", { detail: toDetail(problems), fields: Object.fromEntries(problems) });
}

function toDetail(problems: readonly (readonly [pointer: string, problem: string])[]): string {
  const named = problems.slice(0, NAMED_MAX).map(([pointer, problem]) => `${pointer === "" ? "The whole body" : pointer}: ${problem}`);
  const rest = problems.length - named.length;
  return `The body does not match the endpoint's schema. ${named.join(" ")}${rest > 0 ? ` And ${rest} more.` : ""}`;
}
