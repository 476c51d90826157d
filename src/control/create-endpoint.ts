/** Creates an endpoint (G4). */
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { EndpointCreate, EndpointDetail } from "@/src/shared/management";
import { pickDefined } from "./pick-defined";
import { requireOwnProject } from "./require-own-project";
import { isUniqueViolation } from "./unique-violation";
import { toEndpointDetail } from "./views";

/** The new endpoint. Raises `not_found` for the project, `name_taken` within it. */
export async function createEndpoint({
  db,
  ownerId,
  projectId,
  input,
}: {
  db: Pick<Db, "project" | "endpoint">;
  ownerId: string;
  projectId: string;
  input: EndpointCreate;
}): Promise<EndpointDetail> {
  await requireOwnProject({ db, ownerId, projectId });
  const { schema: _, name, ...rest } = input;
  try {
    const row = await db.endpoint.create({ data: { projectId, name, ...pickDefined(rest) } });
    return toEndpointDetail({ ...row, lastChangeAt: null }, { recordCount: 0, subscribers: 0 });
  } catch (error) {
    throw isUniqueViolation(error) ? endpointNameTaken() : error;
  }
}

/** The error of a name that another endpoint of the project has. */
export function endpointNameTaken(): AppError {
  return new AppError("name_taken", { fields: { name: "Another endpoint of this project has this name." } });
}
