/** The operations that return descriptions (G5), as the management API's description lists them. */
import type { ManageOperation } from "./operation";

const DESCRIPTION = { "application/json": { schema: { type: "object", required: ["openapi", "info", "paths"] } } };

export const DESCRIPTION_OPERATIONS: readonly ManageOperation[] = [
  {
    id: "describeManagement",
    method: "get",
    path: "openapi.json",
    tag: "Descriptions",
    summary: "Get the description of the management API (OpenAPI 3.1).",
    answer: { status: 200, description: "This document.", schema: DESCRIPTION },
    isPublic: true,
  },
  {
    id: "describeProject",
    method: "get",
    path: "projects/{id}/openapi.json",
    tag: "Descriptions",
    summary: "Get the description of a project's endpoints (OpenAPI 3.1).",
    answer: { status: 200, description: "The description. It does not contain keys.", schema: DESCRIPTION },
  },
];
