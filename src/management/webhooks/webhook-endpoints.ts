/** Finds the endpoints that a webhook names. */
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { WebhookEndpoint } from "./start-positions";

/** Returns the endpoints with these names, or all of the project (null). Throws `fields_invalid` if a name does not exist. */
export async function findEndpoints(
  db: Pick<Db, "endpoint">,
  projectId: string,
  names: readonly string[] | null,
): Promise<WebhookEndpoint[]> {
  const where = names === null ? { projectId } : { projectId, name: { in: [...names] } };
  const rows = await db.endpoint.findMany({ where, select: { id: true, name: true, epoch: true, seq: true } });
  const known = new Set(rows.map(({ name }) => name));
  const unknown = (names ?? []).filter((name) => !known.has(name));
  if (unknown.length === 0) return rows;
  const problem = `The project has no endpoint ${unknown.slice(0, 5).join(", ")}.`;
  throw new AppError("fields_invalid", { detail: `Some fields are not valid. endpoints: ${problem}`, fields: { endpoints: problem } });
}
