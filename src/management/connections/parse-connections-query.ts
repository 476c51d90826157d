/** Reads which open streams are asked for. */
import { AppError } from "@/src/shared/errors";
import { CONNECTIONS_LIMIT_MAX } from "@/src/shared/management/schemas";

const LIMIT_DEFAULT = 100;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Raises `parameter_invalid` with the parameters. */
export function parseConnectionsQuery(parameters: URLSearchParams): { endpointId: string | null; limit: number } {
  const problems: Record<string, string> = {};
  const endpointId = parameters.get("endpointId") || null;
  if (endpointId !== null && !UUID.test(endpointId)) problems.endpointId = "Use the id of an endpoint.";
  const sent = parameters.get("limit");
  const limit = sent === null ? LIMIT_DEFAULT : /^\d{1,9}$/.test(sent) ? Number(sent) : 0;
  if (limit < 1 || limit > CONNECTIONS_LIMIT_MAX) problems.limit = `Use a whole number from 1 to ${CONNECTIONS_LIMIT_MAX}.`;
  if (Object.keys(problems).length > 0) throw new AppError("parameter_invalid", { fields: problems });
  return { endpointId, limit };
}
