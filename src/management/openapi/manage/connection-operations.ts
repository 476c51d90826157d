/** The management API's operations on open streams (G16, G17), as its description lists them. */
import { CONNECTIONS_LIMIT_MAX, connectionsSchema, deliveriesSchema } from "@/src/shared/management/schemas";
import type { ManageOperation } from "./operation";

const CONNECTIONS = "Connections";

export const CONNECTION_OPERATIONS: readonly ManageOperation[] = [
  {
    id: "listConnections",
    method: "get",
    path: "projects/{id}/connections",
    tag: CONNECTIONS,
    summary: "List open streams, newest first, as of about a second ago.",
    query: [
      { name: "endpointId", in: "query", description: "Only streams of this endpoint.", schema: { type: "string", format: "uuid" } },
      {
        name: "keyId",
        in: "query",
        description: "Only streams that were opened with this key.",
        schema: { type: "string", format: "uuid" },
      },
      {
        name: "limit",
        in: "query",
        description: "The maximum number of streams; default 100.",
        schema: { type: "integer", minimum: 1, maximum: CONNECTIONS_LIMIT_MAX },
      },
    ],
    answer: { status: 200, description: "The open streams, and their total.", schema: connectionsSchema },
  },
  {
    id: "endConnection",
    method: "delete",
    path: "connections/{id}",
    tag: CONNECTIONS,
    summary: "End an open stream within about a second. Its client can reconnect.",
  },
  {
    id: "readDelivery",
    method: "get",
    path: "endpoints/{id}/changes/{seq}/delivery",
    tag: CONNECTIONS,
    summary: "List the open streams that receive a change, and those that do not, with the reason.",
    answer: {
      status: 200,
      description: "The time of the commit, the record's owner, and each open stream with a verdict.",
      schema: deliveriesSchema,
    },
  },
];
