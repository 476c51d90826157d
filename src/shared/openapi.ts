/** Types for the part of OpenAPI 3.1 that our descriptions use, and functions that follow references. */

export const HTTP_METHODS = ["get", "post", "put", "patch", "delete"] as const;
export type HttpMethod = (typeof HTTP_METHODS)[number];

export interface Reference {
  $ref: string;
}

/** A JSON Schema (2020-12). */
export type JsonSchema = boolean | { [keyword: string]: unknown };

export interface ApiParameter {
  name: string;
  in: "query" | "header" | "path";
  description: string;
  required?: boolean;
  schema: JsonSchema;
  explode?: boolean;
}

export interface ApiMedia {
  schema: JsonSchema;
  example?: unknown;
}

export interface ApiBody {
  description?: string;
  required: boolean;
  content: Record<string, ApiMedia>;
}

export interface ApiHeader {
  description: string;
  schema: JsonSchema;
}

export interface ApiResponse {
  description: string;
  headers?: Record<string, ApiHeader | Reference>;
  content?: Record<string, ApiMedia>;
}

export interface ApiOperation {
  operationId: string;
  summary: string;
  description?: string;
  tags: string[];
  parameters?: (ApiParameter | Reference)[];
  requestBody?: ApiBody;
  responses: Record<string, ApiResponse | Reference>;
  security?: Record<string, string[]>[];
}

export type ApiPath = { [method in HttpMethod]?: ApiOperation } & {
  summary?: string;
  description?: string;
  parameters?: (ApiParameter | Reference)[];
};

export type ApiSecurityScheme =
  | { type: "apiKey"; in: "query" | "header" | "cookie"; name: string; description: string }
  | { type: "http"; scheme: "bearer"; description: string };

export interface ApiDocument {
  openapi: "3.1.1";
  info: { title: string; version: string; description: string };
  servers: { url: string; description?: string }[];
  tags: { name: string; description: string }[];
  paths: Record<string, ApiPath>;
  components: {
    schemas: Record<string, JsonSchema>;
    parameters: Record<string, ApiParameter>;
    headers: Record<string, ApiHeader>;
    responses: Record<string, ApiResponse>;
    securitySchemes: Record<string, ApiSecurityScheme>;
  };
}

export function isReference(value: object): value is Reference {
  return "$ref" in value;
}

/** The last part of `#/components/<kind>/<name>`. */
export function toReferenceName({ $ref }: Reference): string {
  return $ref.slice($ref.lastIndexOf("/") + 1);
}

/** The parameter itself, or the one that a reference names. Undefined if the reference is broken. */
export function resolveParameter({ components }: ApiDocument, parameter: ApiParameter | Reference): ApiParameter | undefined {
  return isReference(parameter) ? components.parameters[toReferenceName(parameter)] : parameter;
}

/** The same for responses. */
export function resolveResponse({ components }: ApiDocument, response: ApiResponse | Reference): ApiResponse | undefined {
  return isReference(response) ? components.responses[toReferenceName(response)] : response;
}

/** An operation, its path, and everything that applies to it. */
export interface ListedOperation {
  method: HttpMethod;
  path: string;
  operation: ApiOperation;
  /** The parameters of the path and of the operation. */
  parameters: ApiParameter[];
  body: ApiBody | undefined;
  responses: { status: string; response: ApiResponse }[];
}

/** Every operation of a document, in order. */
export function listOperations(document: ApiDocument): ListedOperation[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    HTTP_METHODS.flatMap((method) => {
      const operation = item[method];
      if (!operation) return [];
      const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].flatMap(
        (parameter) => resolveParameter(document, parameter) ?? [],
      );
      const body = operation.requestBody;
      const responses = Object.entries(operation.responses).flatMap(([status, answer]) => {
        const response = resolveResponse(document, answer);
        return response ? [{ status, response }] : [];
      });
      return [{ method, path, operation, parameters, body, responses }];
    }),
  );
}
