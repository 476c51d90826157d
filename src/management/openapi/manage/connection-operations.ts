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
    summary: "List open streams, the newest first, as they were about a second ago.",
    query: [
      { name: "endpointId", in: "query", description: "Only those of this endpoint.", schema: { type: "string", format: "uuid" } },
      {
        name: "limit",
        in: "query",
        description: "How many at most; 100 unless it is given.",
        schema: { type: "integer", minimum: 1, maximum: CONNECTIONS_LIMIT_MAX },
      },
    ],
    answer: { status: 200, description: "The open streams, and how many there are.", schema: connectionsSchema },
  },
  {
    id: "endConnection",
    method: "delete",
    path: "connections/{id}",
    tag: CONNECTIONS,
    summary: "End an open stream, within about a second. Its client may connect again.",
  },
  {
    id: "readDelivery",
    method: "get",
    path: "endpoints/{id}/changes/{seq}/delivery",
    tag: CONNECTIONS,
    summary: "Tell who of those who listen now gets a change, and who does not, and why.",
    answer: {
      status: 200,
      description: "When it was committed, whose record it is, and every open stream with its verdict.",
      schema: deliveriesSchema,
    },
  },
];
