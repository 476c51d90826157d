/** The vocabulary of the public protocol: paths, limits, wire shapes. Isomorphic; it must not do I/O. */

/** The only API version that exists (U3). */
export const API_VERSION = "1";

/** `POST` created, `PUT` updated, `DELETE` deleted a record (W2). */
export type ChangeType = "POST" | "PUT" | "DELETE";

/** How a record's body was sent (R2): `json` is any JSON value, `text` is a string. */
export type ContentKind = "json" | "text";

/** What a record holds. `file`: its data describes a file (F1). */
export type RecordKind = ContentKind | "file";

/** `force` replaces whatever the type, `merge` deep-merges objects, `replace` keeps the content type (R4). */
export const PUT_STRATEGIES = ["force", "merge", "replace"] as const;
export type PutStrategy = (typeof PUT_STRATEGIES)[number];

/** WebSocket close codes that we send. 4000: a check failed (W3); 1000: access ended (W6). */
export const CLOSE = {
  accessEnded: 1000,
  messageTooBig: 1009,
  shutdown: 1012,
  slowConsumer: 1013,
  internal: 1011,
  checkFailed: 4000,
} as const;

/** A close reason may have this many bytes of UTF-8 (RFC 6455, section 5.5). */
export const CLOSE_REASON_BYTES_MAX = 123;

/** Arrays and objects of a body may be nested this deep; deeper ones exhaust the stacks of common parsers, PostgreSQL's too. */
export const JSON_DEPTH_MAX = 1000;

/** How many `uniqueId`s one GET may name (R3). */
export const UNIQUE_IDS_MAX = 1000;

/** How many records a page may have (R3); without `limit` a list has them all. */
export const PAGE_RECORDS_MAX = 10_000;

/** How many records one POST with `bulk=true` may make (R8). */
export const BULK_ITEMS_MAX = 10_000;

/** What one `jsonata` expression may have, and be evaluated on (R6), in bytes of UTF-8. What it answers is a setting. */
export const JSONATA_BYTES_MAX = 16 * 1024;
export const JSONATA_INPUT_BYTES_MAX = 16 * 1024 * 1024;

/** How many files one POST may have, and how many bytes each (F1). */
export const FILES_MAX = 10;
export const FILE_BYTES_MAX = 100_000_000;

/** How long caches may keep an endpoint's files at most (F2): a year. */
export const FILE_CACHE_SECONDS_MAX = 365 * 24 * 60 * 60;

/** How long a file token lasts (F6), in seconds: without `expiresIn`, and at least and at most. */
export const FILE_TOKEN_SECONDS = 60 * 60;
export const FILE_TOKEN_SECONDS_MIN = 10;
export const FILE_TOKEN_SECONDS_MAX = 24 * 60 * 60;

/** How long the username or e-mail address of an application's user is at most (L1). */
export const APP_USER_NAME_LENGTH_MAX = 254;

/** The start of an access token's cookie's name (L2), and the whole name until logins had one for each project, which is still read. */
export const ACCESS_TOKEN_COOKIE = "__Secure-rested-access-token";

/** The cookie's name for the users of one project, so that two applications on one host don't log each other out. `projectId` is a UUID; its last 12 digits are random. */
export function toAccessTokenCookie(projectId: string): string {
  return `${ACCESS_TOKEN_COOKIE}-${projectId.slice(-12)}`;
}

/** An Idempotency-Key (R9) has so many characters at most, and is remembered for so long. */
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

/** A server that did not say for so long that it is there has gone, and its open streams with it. */
export const SERVER_SEEN_SECONDS = 15;

/** When to come again after a failure that may pass and names no time of its own (E, W23). */
export const UNAVAILABLE_RETRY_SECONDS = 2;
