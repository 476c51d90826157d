/** Parameters and headers that the data plane's operations share in descriptions (R, L, F, W). It must not know endpoints. */
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
    `Only these records; repeated, or separated by commas, ${UNIQUE_IDS_MAX.toLocaleString("en")} at most. Unknown ones are left out. Not with \`limit\`, \`cursor\` or \`order\`.`,
    { type: "array", items: UNIQUE_ID, minItems: 1, maxItems: UNIQUE_IDS_MAX },
    { explode: true },
  ),
  uniqueId: query("uniqueId", "The record.", UNIQUE_ID, { required: true }),
  dataOnly: flag("dataOnly", "Evaluate the expression on `data` alone, without what is around it."),
  limit: query("limit", "So many records at most. The `Link` header leads to the next page.", {
    type: "integer",
    minimum: 1,
    maximum: PAGE_RECORDS_MAX,
  }),
  cursor: query("cursor", "Where the page begins; from the `Link` header of the page before.", { type: "string", minLength: 1 }),
  order: query("order", "By creation; `asc` where it is absent.", { type: "string", enum: ["asc", "desc"] }),
  jsonata: query("jsonata", `A JSONata expression that makes the answer from what would be answered. ${EXPRESSION_SIZE}`, EXPRESSION, {
    required: true,
  }),
  filter: query("jsonata", `A JSONata expression: only changes of records that it is true of are sent. ${EXPRESSION_SIZE}`, EXPRESSION),
  since: query("since", "Where the stream goes on: the `cursor` of its last message, or `now`. Then each message has a `cursor`.", {
    type: "string",
    minLength: 1,
  }),
  snapshot: flag("snapshot", "Send the records first, then the changes since. With `since`, only `since=now`."),
  lastEventId: query("lastEventId", "Resume after this event id, as with the header `Last-Event-ID`.", TEXT),
  lastEventIdHeader: header("Last-Event-ID", "Resume after this event id. A browser's `EventSource` sends it when it connects again."),
  maxMessage: query("maxMessage", "The bytes that a message may have at most. A larger one is replaced by a notice.", {
    type: "integer",
    minimum: 2_048,
  }),
  strategy: query("strategy", "`force` replaces whatever the type, `merge` deep-merges objects, `replace` keeps the content type.", {
    type: "string",
    enum: PUT_STRATEGIES,
    default: "force",
  }),
  noATCookie: flag("noATCookie", "The token comes in the `Authorization` header, and no cookie is set. Works from every origin."),
  ifMatch: header("If-Match", 'Only if the record has this version: the `ETag` of its last answer, like `"3"` or `W/"3"`.'),
  ifNoneMatch: header("If-None-Match", "With one `uniqueId`: 304 and no body where the record still has this version."),
  idempotencyKey: header(
    "Idempotency-Key",
    `Repeating a request with the same key within ${IDEMPOTENCY_HOURS} hours answers the first result and writes nothing. Printable ASCII.`,
    { type: "string", minLength: 1, maxLength: IDEMPOTENCY_KEY_LENGTH_MAX, pattern: "^[ -~]*$" },
  ),
  fileToken: query("fileToken", "A file token (see `fileToken=true`), in place of an access token.", TEXT),
  expiresIn: query("expiresIn", "How long the URL works, in seconds.", {
    type: "integer",
    minimum: FILE_TOKEN_SECONDS_MIN,
    maximum: FILE_TOKEN_SECONDS_MAX,
    default: FILE_TOKEN_SECONDS,
  }),
  range: header("Range", "Which bytes of the file, like `bytes=0-1023`."),
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
