/** The constants and types of the public protocol: paths, limits and formats. */

/** The only API version (U3). */
export const API_VERSION = "1";

/** The kinds of endpoints: `data` stores records, `authentication` has the users of an application (L), `email` sends mails (M). */
export const ENDPOINT_KINDS = ["data", "authentication", "email"] as const;
export type EndpointKind = (typeof ENDPOINT_KINDS)[number];

/** A record was created (`POST`), updated (`PUT`) or deleted (`DELETE`) (W2). */
export const CHANGE_TYPES = ["POST", "PUT", "DELETE"] as const;
export type ChangeType = (typeof CHANGE_TYPES)[number];

/** How a record's body was sent (R2): `json` is any JSON value, `text` is a string. */
export type ContentKind = "json" | "text";

/** The kind of a record. `file`: its data describes a file (F1). */
export type RecordKind = ContentKind | "file";

/** `force` replaces any type, `merge` deep-merges objects, `replace` requires the same content type (R4). */
export const PUT_STRATEGIES = ["force", "merge", "replace"] as const;
export type PutStrategy = (typeof PUT_STRATEGIES)[number];

/** The WebSocket close codes that the server sends. 4000: a check failed (W3); 1000: access ended (W6). */
export const CLOSE = {
  accessEnded: 1000,
  messageTooBig: 1009,
  shutdown: 1012,
  slowConsumer: 1013,
  internal: 1011,
  checkFailed: 4000,
} as const;

/** The maximum length of a close reason in bytes of UTF-8 (RFC 6455, section 5.5). */
export const CLOSE_REASON_BYTES_MAX = 123;

/** The maximum nesting of a body's arrays and objects. Deeper nesting exhausts the stacks of common parsers, including PostgreSQL's. */
export const JSON_DEPTH_MAX = 1000;

/** The maximum number of `uniqueId`s in one GET (R3). */
export const UNIQUE_IDS_MAX = 1000;

/** The maximum number of records in a page (R3). Without `limit` a list contains all records. */
export const PAGE_RECORDS_MAX = 10_000;

/** The maximum number of records in one POST with `bulk=true` (R8). */
export const BULK_ITEMS_MAX = 10_000;

/** The maximum size of a `jsonata` expression and of its input (R6), in bytes of UTF-8. The size of its result is configurable. */
export const JSONATA_BYTES_MAX = 16 * 1024;
export const JSONATA_INPUT_BYTES_MAX = 16 * 1024 * 1024;

/** The maximum number of files in one POST, and the maximum size of each in bytes (F1). */
export const FILES_MAX = 10;
export const FILE_BYTES_MAX = 100_000_000;

/** The longest time that caches may keep an endpoint's files (F2): a year. */
export const FILE_CACHE_SECONDS_MAX = 365 * 24 * 60 * 60;

/** The lifetime of a file token in seconds (F6): default, minimum and maximum. */
export const FILE_TOKEN_SECONDS = 60 * 60;
export const FILE_TOKEN_SECONDS_MIN = 10;
export const FILE_TOKEN_SECONDS_MAX = 24 * 60 * 60;

/** The maximum length of a username or e-mail address of an application's user (L1). */
export const APP_USER_NAME_LENGTH_MAX = 254;

/** The beginning of the name of an access token's cookie (L2). The whole name was used before each project had its own, and is still accepted. */
export const ACCESS_TOKEN_COOKIE = "__Secure-rested-access-token";

/**
 * The name of the cookie for the users of one project, so that two applications on one host do not log each other out. `projectId` is a UUID, whose
 * last 12 digits are random.
 */
export function toAccessTokenCookie(projectId: string): string {
  return `${ACCESS_TOKEN_COOKIE}-${projectId.slice(-12)}`;
}

/** The maximum length of an Idempotency-Key (R9), and how long its response is stored. */
export const IDEMPOTENCY_KEY_LENGTH_MAX = 255;
export const IDEMPOTENCY_HOURS = 24;

const UNIQUE_ID = /^[0-9a-f]{32}$/;

/** True for 32 lowercase hex digits (R1). */
export function isUniqueId(value: string): boolean {
  return UNIQUE_ID.test(value);
}

/** The path of an endpoint, without host and query (U1). */
export function toEndpointPath(endpointName: string): string {
  return `/api/${API_VERSION}/ce/${endpointName}`;
}

/** After this time without a heartbeat a server counts as stopped, and its open streams are removed. */
export const SERVER_SEEN_SECONDS = 15;

/** The reason with which the server closes a stream whose sign-in has ended. */
export const SESSION_ENDED_REASON = "The sign-in that opened this stream has ended. Sign in again.";
