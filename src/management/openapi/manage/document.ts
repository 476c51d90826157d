/** The management API's description (G5): OpenAPI 3.1, from the list of operations and the schemas that validate requests. Built once; it contains no secrets. */
import type {
  ApiBody,
  ApiDocument,
  ApiOperation,
  ApiParameter,
  ApiPath,
  ApiResponse,
  ApiSecurityScheme,
  JsonSchema,
} from "@/src/shared/openapi";
import { PROBLEM_SCHEMA, RETRY_AFTER, toProblemResponses } from "../problems";
import { toSchemaComponents, toSchemaReference } from "../schemas";
import { SharedResponses } from "../shared-responses";
import { ACCESS_OPERATIONS } from "./access-operations";
import { ACCOUNT_OPERATIONS } from "./account-operations";
import { CONNECTION_OPERATIONS } from "./connection-operations";
import { DESCRIPTION_OPERATIONS } from "./description-operations";
import { FILE_OPERATIONS } from "./file-operations";
import { type Answer, errorsOf, isAnswerSchema, isBodySchema, type ManageOperation } from "./operation";
import { PROJECT_OPERATIONS } from "./project-operations";
import { RECORD_EDIT_OPERATIONS } from "./record-edit-operations";
import { RECORD_OPERATIONS } from "./record-operations";
import { TRAFFIC_OPERATIONS } from "./traffic-operations";
import { USER_OPERATIONS } from "./user-operations";
import { WEBHOOK_OPERATIONS } from "./webhook-operations";

/** Every operation of the management API. */
export const MANAGE_OPERATIONS: readonly ManageOperation[] = [
  ...PROJECT_OPERATIONS,
  ...ACCESS_OPERATIONS,
  ...RECORD_OPERATIONS,
  ...RECORD_EDIT_OPERATIONS,
  ...FILE_OPERATIONS,
  ...USER_OPERATIONS,
  ...CONNECTION_OPERATIONS,
  ...WEBHOOK_OPERATIONS,
  ...TRAFFIC_OPERATIONS,
  ...ACCOUNT_OPERATIONS,
  ...DESCRIPTION_OPERATIONS,
];

const TAGS = [
  { name: "Projects", description: "A project groups endpoints, keys and allowed origins." },
  { name: "Keys", description: "API keys of a project." },
  { name: "Endpoints", description: "Endpoints, their access settings and schemas." },
  { name: "Records", description: "Records, changes and files of an endpoint, as its owner." },
  { name: "E-mail", description: "The mail server of a project, and who may receive its mails." },
  { name: "Users", description: "Users of an application, at an authentication endpoint." },
  { name: "Connections", description: "Open streams, and the delivery of changes." },
  { name: "Webhooks", description: "Changes sent to a URL, signed and in order." },
  { name: "Traffic", description: "Requests, errors and streams of projects over time, and the last requests." },
  { name: "Account", description: "Your own account, sessions and tokens." },
  { name: "Set-up", description: "Creating accounts." },
  { name: "Descriptions", description: "OpenAPI descriptions." },
];

const PATH_PARAMETERS: Record<string, ApiParameter> = {
  id: {
    name: "id",
    in: "path",
    required: true,
    description: "The id of the resource named before it in the path.",
    schema: { type: "string", format: "uuid" },
  },
  uniqueId: {
    name: "uniqueId",
    in: "path",
    required: true,
    description: "The uniqueId of the record, or of the user's record.",
    schema: { type: "string", pattern: "^[0-9a-f]{32}$" },
  },
  seq: {
    name: "seq",
    in: "path",
    required: true,
    description: "The sequence number of the change in the log.",
    schema: { type: "integer", minimum: 1 },
  },
  deliveryId: {
    name: "deliveryId",
    in: "path",
    required: true,
    description: "The id of the delivery.",
    schema: { type: "string", format: "uuid" },
  },
  viewId: {
    name: "viewId",
    in: "path",
    required: true,
    description: "The id of the view.",
    schema: { type: "string", format: "uuid" },
  },
  sessionId: {
    name: "sessionId",
    in: "path",
    required: true,
    description: "The id of the session.",
    schema: { type: "string", format: "uuid" },
  },
};

/** Returns the description. `sessionCookie` is the name of the dashboard's cookie, `origin` the origin of the server. */
export function toManageDocument({ sessionCookie, origin }: { sessionCookie: string; origin: string }): ApiDocument {
  const paths: Record<string, ApiPath> = {};
  const responses = new SharedResponses();
  for (const operation of MANAGE_OPERATIONS) {
    const path = `/api/manage/${operation.path}`;
    paths[path] = { ...paths[path], [operation.method]: toOperation(operation, responses) };
  }
  const schemas = MANAGE_OPERATIONS.flatMap(({ body, answer, otherAnswer }) => [
    ...(body && isBodySchema(body) ? [body] : []),
    ...[answer, otherAnswer].flatMap((each) => (each && isAnswerSchema(each.schema) ? [each.schema] : [])),
  ]);
  return {
    openapi: "3.1.1",
    info: {
      title: "Rested: management API",
      version: "1",
      description:
        "Projects, keys, endpoints and their records, for the dashboard and for automation. Request and response bodies are JSON; errors are `application/problem+json`. Resources of other accounts are reported as not found. Unknown fields are rejected.",
    },
    servers: [{ url: origin, description: "This server." }],
    tags: TAGS,
    paths,
    components: {
      schemas: { ...toSchemaComponents(schemas), Problem: PROBLEM_SCHEMA },
      parameters: PATH_PARAMETERS,
      headers: { "Retry-After": RETRY_AFTER },
      responses: responses.all,
      securitySchemes: toSecuritySchemes(sessionCookie),
    },
  };
}

function toSecuritySchemes(sessionCookie: string): Record<string, ApiSecurityScheme> {
  return {
    token: { type: "http", scheme: "bearer", description: "A management token, created under Account." },
    session: {
      type: "apiKey",
      in: "cookie",
      name: sessionCookie,
      description: "The dashboard's session. Accepted only from its own pages.",
    },
  };
}

function toOperation(operation: ManageOperation, shared: SharedResponses): ApiOperation {
  const { id, tag, path, summary, description, query = [], headers = [], body, answer, otherAnswer, notModified, isPublic } = operation;
  const ofPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ $ref: `#/components/parameters/${name}` }));
  const parameters = [...ofPath, ...query, ...headers];
  return {
    operationId: id,
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [tag],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body ? { requestBody: toBody(body) } : {}),
    responses: shared.share(operation.method, {
      ...(answer ? { [answer.status]: toResponse(answer) } : { 204: { description: "Done." } }),
      ...(otherAnswer ? { [otherAnswer.status]: toResponse(otherAnswer) } : {}),
      ...(notModified === undefined ? {} : { 304: { description: notModified } }),
      ...toProblemResponses(errorsOf(operation)),
    }),
    security: isPublic ? [] : [{ token: [] }, { session: [] }],
  };
}

function toBody(body: NonNullable<ManageOperation["body"]>): ApiBody {
  return isBodySchema(body) ? { required: true, content: { "application/json": { schema: toSchemaReference(body) } } } : body;
}

function toResponse({ description, schema, isList }: Answer): ApiResponse {
  if (!isAnswerSchema(schema)) return { description, content: schema };
  const reference: JsonSchema = toSchemaReference(schema);
  return { description, content: { "application/json": { schema: isList ? { type: "array", items: reference } : reference } } };
}
