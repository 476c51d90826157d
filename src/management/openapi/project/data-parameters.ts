/** Parameters and headers that the data plane's operations share in descriptions (R, L, F, W). */
import type { ApiHeader, ApiParameter, ApiSecurityScheme, JsonSchema } from "@/src/shared/openapi";
import {
  FILE_TOKEN_SECONDS,
  FILE_TOKEN_SECONDS_MAX,
  FILE_TOKEN_SECONDS_MIN,
  IDEMPOTENCY_HOURS,
  IDEMPOTENCY_KEY_LENGTH_MAX,
  JSONATA_BYTES_MAX,
  PAGE_RECORDS_MAX,
  PUT_STRATEGIES,
  toAccessTokenCookie,
  UNIQUE_IDS_MAX,
} from "@/src/shared/streams/protocol";

const UNIQUE_ID: JsonSchema = { type: "string", pattern: "^[0-9a-f]{32}$" };
const TEXT: JsonSchema = { type: "string" };
const EXPRESSION: JsonSchema = { type: "string", minLength: 1, maxLength: JSONATA_BYTES_MAX };
const EXPRESSION_SIZE = `At most ${JSONATA_BYTES_MAX / 1024} KiB.`;

const query = (name: string, description: string, schema: JsonSchema, more: Partial<ApiParameter> = {}): ApiParameter => ({
  name,
  in: "query",
  description,
  schema,
  ...more,
});
const flag = (name: string, description: string): ApiParameter => query(name, description, { type: "boolean", default: false });
const header = (name: string, description: string, schema: JsonSchema = TEXT): ApiParameter => ({
  name,
  in: "header",
  description,
  schema,
});

export const DATA_PARAMETERS = {
  uniqueIds: query(
    "uniqueId",
    `Only these records. Repeat the parameter, or separate ids with commas; at most ${UNIQUE_IDS_MAX.toLocaleString("en")}. Unknown ids are ignored. Not allowed with \`limit\`, \`cursor\` or \`order\`.`,
    { type: "array", items: UNIQUE_ID, minItems: 1, maxItems: UNIQUE_IDS_MAX },
    { explode: true },
  ),
  uniqueId: query("uniqueId", "The record.", UNIQUE_ID, { required: true }),
  dataOnly: flag("dataOnly", "Evaluate the expression on `data` only."),
  limit: query("limit", "The maximum number of records. The `Link` header contains the next page.", {
    type: "integer",
    minimum: 1,
    maximum: PAGE_RECORDS_MAX,
  }),
  cursor: query("cursor", "The start of the page, from the `Link` header of the previous page.", { type: "string", minLength: 1 }),
  order: query("order", "The order of creation; default `asc`.", { type: "string", enum: ["asc", "desc"] }),
  jsonata: query("jsonata", `A JSONata expression that is evaluated on the response. ${EXPRESSION_SIZE}`, EXPRESSION, {
    required: true,
  }),
  filter: query("jsonata", `A JSONata expression. Only changes of records that match it are sent. ${EXPRESSION_SIZE}`, EXPRESSION),
  since: query("since", "Resume after this `cursor` of an earlier message, or start at `now`. Each message then has a `cursor`.", {
    type: "string",
    minLength: 1,
  }),
  snapshot: flag("snapshot", "Send the existing records first, then all later changes. With `since`, only `since=now` is allowed."),
  lastEventId: query("lastEventId", "Resume after this event id, as with the header `Last-Event-ID`.", TEXT),
  lastEventIdHeader: header("Last-Event-ID", "Resume after this event id. A browser's `EventSource` sends it when it reconnects."),
  maxMessage: query("maxMessage", "The maximum size of a message, in bytes. A larger message is replaced by a notice.", {
    type: "integer",
    minimum: 2_048,
  }),
  strategy: query("strategy", "`force` replaces whatever the type, `merge` deep-merges objects, `replace` keeps the content type.", {
    type: "string",
    enum: PUT_STRATEGIES,
    default: "force",
  }),
  noATCookie: flag("noATCookie", "Return the token in the `Authorization` header instead of a cookie. Works from every origin."),
  ifMatch: header("If-Match", 'Only if the record has this version: the `ETag` of its last answer, like `"3"` or `W/"3"`.'),
  ifNoneMatch: header("If-None-Match", "With one `uniqueId`: the response is 304 without a body if the record still has this version."),
  idempotencyKey: header(
    "Idempotency-Key",
    `A repeated request with the same key within ${IDEMPOTENCY_HOURS} hours returns the first result and writes nothing. Printable ASCII.`,
    { type: "string", minLength: 1, maxLength: IDEMPOTENCY_KEY_LENGTH_MAX, pattern: "^[ -~]*$" },
  ),
  fileToken: query("fileToken", "A file token (see `fileToken=true`), instead of an access token.", TEXT),
  expiresIn: query("expiresIn", "The lifetime of the URL, in seconds.", {
    type: "integer",
    minimum: FILE_TOKEN_SECONDS_MIN,
    maximum: FILE_TOKEN_SECONDS_MAX,
    default: FILE_TOKEN_SECONDS,
  }),
  range: header("Range", "The bytes of the file to return, e.g. `bytes=0-1023`."),
} as const satisfies Record<string, ApiParameter>;

export type DataParameter = keyof typeof DATA_PARAMETERS;

const INTEGER: JsonSchema = { type: "integer" };

export const DATA_HEADERS = {
  ETag: { description: "The record's version, for `If-Match`.", schema: TEXT },
  "Idempotent-Replayed": {
    description: "`true` if this is the first result of this `Idempotency-Key`, and nothing was written.",
    schema: TEXT,
  },
  Link: { description: 'The next page: `<…>; rel="next"`.', schema: TEXT },
  Authorization: { description: "After `login` with `noATCookie`: `Bearer <token>`.", schema: TEXT },
  "Set-Cookie": { description: "The access token, for browsers over https, on pages of the project's listed origins.", schema: TEXT },
  "RateLimit-Limit": { description: "The number of requests per minute for this key and address.", schema: INTEGER },
  "RateLimit-Remaining": { description: "The remaining number of requests.", schema: INTEGER },
  "RateLimit-Reset": { description: "Seconds until the next minute starts.", schema: INTEGER },
} as const satisfies Record<string, ApiHeader>;

export type DataHeader = keyof typeof DATA_HEADERS;

const SECURITY: Record<"key" | "keyHeader" | "masterKey" | "accessToken", ApiSecurityScheme> = {
  key: { type: "apiKey", in: "query", name: "key", description: "One of the project's keys. It is not a secret." },
  keyHeader: {
    type: "apiKey",
    in: "header",
    name: "X-API-Key",
    description: "The same key as a header, which keeps it out of URLs and logs.",
  },
  masterKey: {
    type: "apiKey",
    in: "header",
    name: "X-Master-Key",
    description: "The project's master key, a secret. It bypasses access tokens, ownership and origins.",
  },
  accessToken: {
    type: "http",
    scheme: "bearer",
    description: "The access token of a user who logged in at an authentication endpoint of the project.",
  },
};

/** Returns the security schemes of a project. */
export function toDataSecurity(projectId: string): Record<keyof typeof SECURITY | "accessTokenCookie", ApiSecurityScheme> {
  const description =
    "The same token as a cookie, set by a login. It is accepted only from the project's listed origins and this server's own pages.";
  return { ...SECURITY, accessTokenCookie: { type: "apiKey", in: "cookie", name: toAccessTokenCookie(projectId), description } };
}
