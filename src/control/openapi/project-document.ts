/** The description of a project's own endpoints (G5): OpenAPI 3.1. It holds names and schemas of the project, and no key. */
import type { ManagedEndpoint } from "@/src/shared/management";
import type { ApiDocument, ApiPath, JsonSchema } from "@/src/shared/openapi";
import { toEndpointPath } from "@/src/shared/protocol";
import { type DataOperation, toDataOperations } from "./data-operations";
import { DATA_HEADERS, DATA_PARAMETERS, DATA_SCHEMAS, toDataSecurity } from "./data-parameters";
import { PROBLEM_SCHEMA, RETRY_AFTER } from "./problems";
import { SharedResponses } from "./shared-responses";

type Described = Pick<
  ManagedEndpoint,
  "id" | "name" | "description" | "kind" | "secure" | "othersCanRead" | "othersCanUpdate" | "othersCanDelete" | "schema"
>;

export function toProjectDocument({
  projectId,
  projectName,
  endpoints,
}: {
  projectId: string;
  projectName: string;
  endpoints: readonly Described[];
}): ApiDocument {
  const schemas: Record<string, JsonSchema> = { ...DATA_SCHEMAS, Problem: PROBLEM_SCHEMA };
  const responses = new SharedResponses();
  const paths: Record<string, ApiPath> = {};
  for (const endpoint of endpoints) {
    const schema = addSchema(schemas, endpoint);
    const path: ApiPath = { summary: endpoint.name, description: toDescription(endpoint) };
    for (const operation of toDataOperations(endpoint, schema)) {
      path[operation.method] = {
        operationId: `${operation.method}.${endpoint.name.replaceAll("/", ".")}`,
        summary: operation.summary,
        ...(operation.description === undefined ? {} : { description: operation.description }),
        tags: [endpoint.name],
        parameters: operation.parameters.map((name) => ({ $ref: `#/components/parameters/${name}` })),
        ...(operation.requestBody ? { requestBody: operation.requestBody } : {}),
        responses: responses.share(operation.method, operation.responses),
        security: toSecurity(endpoint, operation),
      };
    }
    paths[toEndpointPath(endpoint.name)] = path;
  }
  return {
    openapi: "3.1.1",
    info: {
      title: projectName,
      version: "1",
      description:
        "Each address stores and serves JSON. Opened as a WebSocket (`wss`) it sends a `Change` for every change, after it was committed; so it does as server-sent events to `Accept: text/event-stream`. Streams take `jsonata` (only what the expression is true of), `snapshot=true` (the records first) and `since` (go on from a `cursor`). Errors are `application/problem+json`.",
    },
    servers: [{ url: "/", description: "This server." }],
    tags: endpoints.map(({ name, description }) => ({ name, description })),
    paths,
    components: {
      schemas,
      parameters: DATA_PARAMETERS,
      headers: { ...DATA_HEADERS, "Retry-After": RETRY_AFTER },
      responses: responses.all,
      securitySchemes: toDataSecurity(projectId),
    },
  };
}

/** The reference to the schema of an endpoint's JSON bodies; one that takes all when it has none. */
function addSchema(schemas: Record<string, JsonSchema>, { id, name, schema }: Described): JsonSchema {
  if (!isSchema(schema)) return {};
  // Names have no dots, so two never become the same; and components may not have slashes.
  const component = `data.${name.replaceAll("/", ".")}`;
  // An identity of its own, so that its references into itself stay what they are.
  schemas[component] = typeof schema === "boolean" ? schema : { $id: `urn:rested:endpoint:${id}`, ...schema };
  return { $ref: `#/components/schemas/${component}` };
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "boolean" || (typeof value === "object" && value !== null && !Array.isArray(value));
}

function toDescription({ description, kind, secure, othersCanRead, othersCanUpdate, othersCanDelete }: Described): string {
  const may = [...(othersCanRead ? ["read"] : []), ...(othersCanUpdate ? ["update"] : []), ...(othersCanDelete ? ["delete"] : [])];
  const others = may.length === 0 ? "Others may not touch a user's records." : `Other users may ${may.join(", ")} a user's records.`;
  const access =
    kind === "authentication"
      ? "Users of the application: they register and log in here, and each reads and changes its own record alone."
      : secure
        ? `Secure: it needs an access token of a user of the project. ${others}`
        : "Open: it needs a key, and no access token.";
  return description === "" ? access : `${description}\n\n${access}`;
}

function toSecurity({ kind, secure }: Described, { method }: DataOperation): Record<string, string[]>[] {
  const isAuthentication = kind === "authentication";
  // POST registers and logs in, which takes no token, and logs out, which does.
  const isOpen = isAuthentication ? method === "post" : !secure;
  const takesToken = isAuthentication || secure;
  return ["key", "keyHeader"].flatMap((key) => [
    ...(isOpen ? [{ [key]: [] }] : []),
    ...(takesToken
      ? [
          { [key]: [], accessToken: [] },
          { [key]: [], accessTokenCookie: [] },
        ]
      : []),
    { [key]: [], masterKey: [] },
  ]);
}
