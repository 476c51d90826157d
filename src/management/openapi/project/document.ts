/** The description of a project's own endpoints (G5): OpenAPI 3.1. It contains names and schemas of the project, but no keys. */
import type { ManagedEndpoint } from "@/src/shared/management/schemas";
import type { ApiDocument, ApiPath, JsonSchema } from "@/src/shared/openapi";
import { toEndpointPath } from "@/src/shared/streams/protocol";
import { ComponentNames } from "../component-names";
import { PROBLEM_SCHEMA, RETRY_AFTER } from "../problems";
import { SharedResponses } from "../shared-responses";
import { type DataOperation, isJudged, toDataOperations } from "./data-operations";
import { DATA_HEADERS, DATA_PARAMETERS, toDataSecurity } from "./data-parameters";
import { addDataSchemas, COMMON_SCHEMAS } from "./data-schemas";

type Described = Pick<
  ManagedEndpoint,
  "id" | "name" | "description" | "kind" | "secure" | "othersCanRead" | "othersCanUpdate" | "othersCanDelete" | "schema"
> &
  Partial<Pick<ManagedEndpoint, "rules" | "accessFunction">>;

export function toProjectDocument({
  projectId,
  projectName,
  endpoints,
  origin,
}: {
  projectId: string;
  projectName: string;
  endpoints: readonly Described[];
  /** Where programs reach the server, like `https://data.example.com`: a downloaded file has no address of its own. */
  origin: string;
}): ApiDocument {
  const schemas: Record<string, JsonSchema> = { ...COMMON_SCHEMAS, Problem: PROBLEM_SCHEMA };
  const names = new ComponentNames(Object.keys(schemas));
  const responses = new SharedResponses();
  const paths: Record<string, ApiPath> = {};
  for (const endpoint of endpoints) {
    const name = names.claim(endpoint.name);
    for (const operation of toDataOperations(endpoint, addDataSchemas(schemas, { endpoint, name }))) {
      const { method, form, summary, description, parameters, requestBody } = operation;
      const path = `${toEndpointPath(endpoint.name)}${form ? `:${form}` : ""}`;
      paths[path] ??= form ? {} : { summary: endpoint.name, description: toDescription(endpoint) };
      paths[path][method] = {
        operationId: `${method}${name}${form ? toCapital(form) : ""}`,
        summary,
        ...(description === undefined ? {} : { description }),
        tags: [endpoint.name],
        parameters: parameters.map((parameter) => ({ $ref: `#/components/parameters/${parameter}` })),
        ...(requestBody ? { requestBody } : {}),
        responses: responses.share(method, operation.responses),
        security: toSecurity(endpoint, operation),
      };
    }
  }
  return {
    openapi: "3.1.1",
    info: {
      title: projectName,
      version: "1",
      description:
        "Each address stores and serves JSON. Opened as a WebSocket (`wss`) it sends a `Change` for every change, after it was committed; so it does as server-sent events to `Accept: text/event-stream`. Both take the parameters of the operations whose addresses end with `:events`. The part after a colon is the same as a parameter: `:data` as `dataOnly=true`, `:bulk` as `bulk=true`, and so on. With the project's master key in the header `X-Master-Key` no operation needs an access token. Errors are `application/problem+json`.",
    },
    servers: [{ url: origin, description: "This server." }],
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

function toCapital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function toDescription(endpoint: Described): string {
  const { description, kind, secure, othersCanRead, othersCanUpdate, othersCanDelete } = endpoint;
  const may = [...(othersCanRead ? ["read"] : []), ...(othersCanUpdate ? ["update"] : []), ...(othersCanDelete ? ["delete"] : [])];
  const others = may.length === 0 ? "Other users cannot access a user's records." : `Other users can ${may.join(", ")} a user's records.`;
  const judged = isJudged(endpoint)
    ? " Access rules decide about each record. Callers see only the records and fields that the rules allow."
    : "";
  const access =
    kind === "authentication"
      ? "Users of the application register and log in here. Each can read and change only its own record."
      : secure
        ? `Secure: requests need an access token of a user of the project. ${others}`
        : "Open: requests need a key, but no access token.";
  return description === "" ? access + judged : `${description}\n\n${access}${judged}`;
}

function toSecurity(endpoint: Described, { method, form }: DataOperation): Record<string, string[]>[] {
  const { kind, secure } = endpoint;
  const isAuthentication = kind === "authentication";
  // Registering and logging in need no token.
  const isEntry = isAuthentication && method === "post" && form !== "logout";
  const isOpen = isAuthentication ? isEntry : !secure;
  // Rules of an open endpoint can ask who sends the request.
  const takesToken = !isOpen || (!isAuthentication && isJudged(endpoint));
  // The master key is not listed, because generated clients send credentials for every scheme, and would send another key in its place.
  return ["key", "keyHeader"].flatMap((key) => [
    ...(isOpen ? [{ [key]: [] }] : []),
    ...(takesToken
      ? [
          { [key]: [], accessToken: [] },
          { [key]: [], accessTokenCookie: [] },
        ]
      : []),
  ]);
}
