/** Parameters, headers and schemas that the data plane's operations share in descriptions (R, L, F, W). It must not know endpoints. */
import type { ApiHeader, ApiParameter, ApiSecurityScheme, JsonSchema } from "@/src/shared/openapi";
import {
  IDEMPOTENCY_HOURS,
  IDEMPOTENCY_KEY_LENGTH_MAX,
  PAGE_RECORDS_MAX,
  PUT_STRATEGIES,
  toAccessTokenCookie,
  UNIQUE_IDS_MAX,
} from "@/src/shared/protocol";

const UNIQUE_ID: JsonSchema = { type: "string", pattern: "^[0-9a-f]{32}$" };
const TEXT: JsonSchema = { type: "string" };

const query = (name: string, description: string, schema: JsonSchema, more: Partial<ApiParameter> = {}): ApiParameter => ({
  name,
  in: "query",
  description,
  schema,
  ...more,
});
const flag = (name: string, description: string): ApiParameter => query(name, description, { type: "boolean", default: false });
const header = (name: string, description: string): ApiParameter => ({ name, in: "header", description, schema: TEXT });

export const DATA_PARAMETERS = {
  uniqueIds: query(
    "uniqueId",
    `Only these records; repeated, or separated by commas, ${UNIQUE_IDS_MAX.toLocaleString("en")} at most. Unknown ones are left out.`,
    { type: "array", items: UNIQUE_ID, maxItems: UNIQUE_IDS_MAX },
    { explode: true },
  ),
  uniqueId: query("uniqueId", "The record.", UNIQUE_ID, { required: true }),
  dataOnly: flag("dataOnly", "Answer `data` alone, without what is around it."),
  limit: query("limit", "So many records at most. The `Link` header leads to the next page.", {
    type: "integer",
    minimum: 1,
    maximum: PAGE_RECORDS_MAX,
  }),
  cursor: query("cursor", "Where the page begins; from the `Link` header of the page before.", TEXT),
  order: query("order", "By creation.", { type: "string", enum: ["asc", "desc"], default: "asc" }),
  jsonata: query("jsonata", "A JSONata expression that makes the answer from what would be answered.", TEXT),
  fileOnly: flag("fileOnly", "Answer the file itself. Needs one `uniqueId`."),
  stream: flag("stream", "The same, for players: they ask for parts by `Range`."),
  strategy: query("strategy", "`force` replaces whatever the type, `merge` deep-merges objects, `replace` keeps the content type.", {
    type: "string",
    enum: PUT_STRATEGIES,
    default: "force",
  }),
  bulk: flag("bulk", "The body is an array: one record for each item, all or none."),
  login: flag("login", "Log in: hands out an access token, as a cookie unless `noATCookie` is set."),
  logout: flag("logout", "Log out: ends the access token that is sent."),
  noATCookie: flag(
    "noATCookie",
    "With `login`: the token comes in the `Authorization` header, and no cookie is set. Works from every origin.",
  ),
  lastEventId: query("lastEventId", "Of a stream: resume after this event id, as with the header `Last-Event-ID`.", TEXT),
  maxMessage: query("maxMessage", "Of a stream: the bytes that a message may have at most. A larger one is replaced by a notice.", {
    type: "integer",
    minimum: 2_048,
  }),
  ifMatch: header("If-Match", 'Only if the record has this version: the `ETag` of its last answer, like `"3"` or `W/"3"`.'),
  ifNoneMatch: header("If-None-Match", "With one `uniqueId`: 304 and no body where the record still has this version."),
  idempotencyKey: header(
    "Idempotency-Key",
    `Repeating a request with the same key within ${IDEMPOTENCY_HOURS} hours answers the first result and writes nothing. At most ${IDEMPOTENCY_KEY_LENGTH_MAX} characters.`,
  ),
  range: header("Range", "Of a file: which bytes, like `bytes=0-1023`."),
} as const satisfies Record<string, ApiParameter>;

export type DataParameter = keyof typeof DATA_PARAMETERS;

const INTEGER: JsonSchema = { type: "integer" };

export const DATA_HEADERS = {
  ETag: { description: "The record's version, for `If-Match`.", schema: TEXT },
  "Idempotent-Replayed": { description: "`true`: the first result of this `Idempotency-Key`; nothing was written.", schema: TEXT },
  Link: { description: 'The next page: `<…>; rel="next"`.', schema: TEXT },
  Authorization: { description: "After `login` with `noATCookie`: `Bearer <token>`.", schema: TEXT },
  "Set-Cookie": { description: "The access token, for browsers over https, on pages of the project's allowed origins.", schema: TEXT },
  "RateLimit-Limit": { description: "Requests that this key may make a minute from this address.", schema: INTEGER },
  "RateLimit-Remaining": { description: "Those that are left.", schema: INTEGER },
  "RateLimit-Reset": { description: "Seconds until the minute begins anew.", schema: INTEGER },
} as const satisfies Record<string, ApiHeader>;

export type DataHeader = keyof typeof DATA_HEADERS;

const RECORD: JsonSchema = {
  type: "object",
  required: ["uniqueId", "data", "createdAt", "updatedAt"],
  properties: {
    uniqueId: UNIQUE_ID,
    data: { description: "As it was sent." },
    createdAt: { type: "string", format: "date-time" },
    updatedAt: { type: "string", format: "date-time" },
  },
};

export const DATA_SCHEMAS = {
  Record: RECORD,
  Receipt: {
    type: "object",
    description: "What a key of scope `write` gets to see of a change.",
    required: ["uniqueId"],
    properties: { uniqueId: UNIQUE_ID, updatedAt: { type: "string", format: "date-time", description: "Not of a deletion." } },
  },
  Records: { type: "array", items: { $ref: "#/components/schemas/Record" } },
  Change: {
    type: "object",
    description: "A message of a stream.",
    required: ["type", "record"],
    properties: {
      type: { type: "string", enum: ["POST", "PUT", "DELETE"] },
      record: { $ref: "#/components/schemas/Record", description: "After the change; of a deleted one its last state." },
      cursor: { type: "string", description: "With `since` in the address: where the stream stands." },
    },
  },
  User: {
    type: "object",
    description: "A user: either `username` or `email`, and any other fields.",
    required: ["password"],
    properties: { username: TEXT, email: TEXT, password: { type: "string", description: "Never stored, answered or streamed." } },
    oneOf: [{ required: ["username"] }, { required: ["email"] }],
  },
  Upload: {
    type: "object",
    required: ["file"],
    properties: { file: { type: "array", items: { type: "string", contentMediaType: "application/octet-stream" } } },
    additionalProperties: { type: "string", description: "Becomes part of `metadata`." },
  },
} as const satisfies Record<string, JsonSchema>;

const SECURITY: Record<"key" | "keyHeader" | "masterKey" | "accessToken", ApiSecurityScheme> = {
  key: { type: "apiKey", in: "query", name: "key", description: "One of the project's keys. It is no secret." },
  keyHeader: { type: "apiKey", in: "header", name: "X-API-Key", description: "The same key as a header: it stays out of URLs and logs." },
  masterKey: {
    type: "apiKey",
    in: "header",
    name: "X-Master-Key",
    description: "The project's master key: skips access tokens, ownership and origins. A secret.",
  },
  accessToken: { type: "http", scheme: "bearer", description: "Of a user who logged in at an authentication endpoint of the project." },
};

/** How requests to a project say who sends them. */
export function toDataSecurity(projectId: string): Record<keyof typeof SECURITY | "accessTokenCookie", ApiSecurityScheme> {
  const description = "The same, set by logging in. It counts from the project's allowed origins and from this server's own pages only.";
  return { ...SECURITY, accessTokenCookie: { type: "apiKey", in: "cookie", name: toAccessTokenCookie(projectId), description } };
}
