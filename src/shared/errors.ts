/**
 * The catalogue of errors (E2): every error that a client can see, by code. One mapper a transport turns a code into a
 * problem document (HTTP) or a close frame (WebSocket). Codes are never reused. docs/SPEC.md lists the same codes; a test compares.
 */

export interface ErrorEntry {
  /** HTTP status. */
  status: number;
  /** WebSocket close code. */
  close: number;
  /** True when the same request may succeed later, unchanged. */
  retryable: boolean;
  /** What is wrong and what to do, for the developer who reads it. At most 123 bytes: it is the close reason too (W3). */
  message: string;
}

const client = (status: number, message: string): ErrorEntry => ({ status, close: 4000, retryable: false, message });
const retry = (status: number, close: number, message: string): ErrorEntry => ({ status, close, retryable: true, message });

export const ERRORS = {
  // U: URL, key, origin
  api_version_unknown: client(404, "This API version does not exist. The current version is 1: /api/1/ce/<endpoint>."),
  key_missing: client(403, "The API key is missing. Add ?key=<your key> to the URL, or send it as X-API-Key."),
  endpoint_or_key_invalid: client(
    400,
    "The endpoint or the key is not valid. Check both in the dashboard; the key may be revoked or expired.",
  ),
  key_scope_insufficient: client(403, "This key does not allow this operation. Use a key with the needed scope."),
  origin_not_allowed: client(403, "This origin is not allowed. Add it to the project's allowed origins."),
  origin_required: client(403, "This project does not accept requests without an Origin header."),
  master_key_invalid: client(403, "The master key is not valid. Create a new one in the project's settings, or leave it out."),
  rate_limited: retry(429, 1013, "Too many requests. Wait for the time that Retry-After gives, then try again."),
  too_many_streams: retry(429, 1013, "Too many open streams. Close some, then connect again."),
  method_not_allowed: client(405, "This method is not supported here. The Allow header lists those that are."),
  not_found: client(404, "There is nothing at this address."),
  ticket_invalid: client(403, "The ticket is not valid: it was used, or has expired. Ask for a new one."),

  quota_exceeded: client(403, "A quota is used up. Delete something, or ask the administrator of this server to raise it."),

  // R: records
  content_type_unsupported: client(400, "This content type is not supported. Send application/json or text/plain."),
  content_encoding_unsupported: client(415, "This Content-Encoding is not supported. Send the body as it is, or as gzip or deflate."),
  body_empty: client(400, "The body is empty. Send a JSON value or a text."),
  body_invalid: client(400, "The body is not valid."),
  body_too_large: client(413, "The body is too large."),
  body_timeout: retry(408, 4000, "The body did not arrive in time. Send the request again."),
  parameter_invalid: client(400, "A parameter of the URL is not valid."),
  unique_id_missing: client(400, "The uniqueId is missing. Name the record with ?uniqueId=<id>."),
  unique_id_invalid: client(400, "A uniqueId is not valid: it has 32 lowercase hex digits."),
  record_not_found: client(404, "There is no record with this uniqueId at this endpoint."),
  merge_needs_objects: client(400, "Merging needs JSON objects on both sides. Use strategy=force to replace the record."),
  type_mismatch: client(400, "The record has another content type. Use strategy=force to replace it all the same."),
  version_conflict: client(412, "The record has changed in the meantime. Read it again, then repeat the change."),

  jsonata_invalid: client(400, "The JSONata expression is not valid."),
  jsonata_limit: client(400, "The JSONata expression takes too much time, memory or output. Simplify it, or select fewer records."),
  bulk_needs_array: client(400, "With bulk=true the body is a JSON array with one item for each record."),
  idempotency_key_invalid: client(400, "The Idempotency-Key is not valid: use 1 to 255 printable ASCII characters."),
  idempotency_key_reused: client(422, "This Idempotency-Key was used for another request. Use a new key for a new request."),
  schema_mismatch: client(400, "The body does not match the endpoint's schema."),
  schema_limit: client(400, "Checking the body against the endpoint's schema takes too much. Send less, or simplify the schema."),

  // L: users of an application
  credentials_missing: client(400, "Send a JSON object with username or email (not both) and password."),
  credentials_invalid: client(400, "The username, the e-mail address or the password is not valid."),
  username_taken: client(400, "This name is taken. Choose another one, or log in."),
  login_failed: client(401, "The name or the password is not right."),
  cookie_origin_not_listed: client(403, "Add this origin to the project's allowed origins, or log in with noATCookie=true."),

  // F: files
  upload_invalid: client(400, "The upload is not valid. Send multipart/form-data with one or more parts named file."),
  too_many_files: client(400, "There are too many files: at most 10 are taken at once."),
  file_too_large: client(413, "A file is too large: at most 100 MB are taken."),
  not_a_file: client(400, "This record is not a file. Leave out fileOnly to read its data."),
  file_token_invalid: client(401, "The file token is not valid: it may have expired, or is for another record. Ask for a new one."),
  range_not_satisfiable: client(416, "The file has no such range. Content-Range has its size."),
  storage_unavailable: retry(503, 1013, "The file storage is not available right now. Try again shortly."),

  // S: secure endpoints
  access_token_missing: client(401, "This endpoint is secure: log in first, or send the access token."),
  access_token_invalid: client(401, "The access token is not valid: it may be expired or revoked. Log in again."),

  access_denied: client(403, "This record belongs to another user."),

  // W: why an open stream ends
  key_revoked: { status: 400, close: 1000, retryable: false, message: "The API key was revoked." },
  key_expired: { status: 400, close: 1000, retryable: false, message: "The API key has expired." },
  token_revoked: { status: 401, close: 1000, retryable: false, message: "The access token was revoked. Log in again." },
  token_expired: { status: 401, close: 1000, retryable: false, message: "The access token has expired. Log in again." },
  user_deleted: { status: 401, close: 1000, retryable: false, message: "The user of this access token was deleted." },
  endpoint_deleted: { status: 404, close: 1000, retryable: false, message: "The endpoint was deleted." },
  endpoint_secured: {
    status: 401,
    close: 1000,
    retryable: false,
    message: "The endpoint became secure. Connect again with an access token.",
  },
  origin_removed: { status: 403, close: 1000, retryable: false, message: "This origin is no longer allowed." },
  session_ended: {
    status: 401,
    close: 1000,
    retryable: false,
    message: "The sign-in that opened this stream has ended. Sign in again.",
  },
  disconnected: { status: 403, close: 1000, retryable: false, message: "This connection was ended by the project's owner." },
  access_changed: { status: 403, close: 1000, retryable: false, message: "Access to the endpoint has changed. Connect again." },
  slow_consumer: retry(503, 1013, "This client reads too slowly. Connect again, and read faster."),
  message_too_big: {
    status: 413,
    close: 1009,
    retryable: false,
    message: "Messages to the server may have 4 KiB at most, and are ignored.",
  },
  message_flood: {
    status: 429,
    close: 1008,
    retryable: false,
    message: "Messages to the server are ignored, and this client sends too many of them.",
  },
  server_shutdown: retry(503, 1012, "The server is restarting. Connect again."),
  upgrade_invalid: client(400, "This is not a valid WebSocket handshake (RFC 6455, section 4.1)."),
  cursor_invalid: client(400, "The cursor is not valid. Use one that this endpoint sent, or since=now."),

  // G: management
  session_missing: client(401, "Sign in first, or send a management token."),
  management_token_invalid: client(401, "The management token is not valid: it may be expired or revoked."),
  token_scope_insufficient: client(403, "This management token may not do that. Use one with the needed scope and projects."),
  cross_site_request: client(403, "This request must come from the dashboard itself, or carry a management token."),
  fields_invalid: client(400, "Some fields are not valid."),
  name_taken: client(409, "This name is taken. Choose another one."),
  email_taken: client(409, "There is an account with this e-mail address already."),
  current_password_wrong: client(403, "The current password is not right."),
  key_already_revoked: client(409, "This key is revoked; it can't be rotated."),
  admin_required: client(403, "Only an administrator of this server may do this."),
  setup_done: client(409, "The first administrator exists already. Sign in instead."),
  setup_token_invalid: client(403, "The setup link is not valid. Use the one that the server printed when it started."),
  signup_closed: client(403, "Sign-up is closed on this server. Ask its administrator for an account."),

  // E: the server's own
  https_required: client(308, "This server is reached over https alone. Location has the address."),
  request_invalid: client(400, "The request is not valid HTTP."),
  host_not_allowed: client(421, "This server is not reached by this host name. Use its public address."),
  transfer_encoding_unsupported: client(501, "This Transfer-Encoding is not supported. Send the body as it is, or chunked alone."),
  headers_too_large: client(431, "The request's headers are too large."),
  database_unavailable: retry(503, 1013, "The database is not available right now. Try again shortly."),
  server_busy: retry(503, 1013, "The server is busy. Try again after the time that Retry-After gives."),
  internal_error: retry(500, 1011, "Something went wrong on the server. Try again; the request id names the entry in its log."),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

const BRAND = Symbol.for("rested.error");

export interface AppErrorOptions {
  /** Replaces the catalogue's message: says which field, which position, which limit. Shown to the client. */
  detail?: string;
  /** For the log only, never sent. */
  internal?: string;
  /** Problems by field (G6, E1): field path → message. Sent as the `fields` member. */
  fields?: Readonly<Record<string, string>>;
  /** Seconds for the Retry-After header. */
  retryAfterSeconds?: number;
  cause?: unknown;
}

/** An error of the catalogue. Recognise it with {@link isAppError}: `instanceof` fails across bundles. */
export class AppError extends Error {
  readonly [BRAND] = true;
  readonly code: ErrorCode;
  readonly internal: string | undefined;
  readonly fields: Readonly<Record<string, string>> | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    super(options.detail ?? ERRORS[code].message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "AppError";
    this.code = code;
    this.internal = options.internal;
    this.fields = options.fields;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  get entry(): ErrorEntry {
    return ERRORS[this.code];
  }
}

/** True for an AppError of any bundle of this process. */
export function isAppError(error: unknown): error is AppError {
  return typeof error === "object" && error !== null && BRAND in error;
}

/** A problem document (RFC 9457) as E1 has it. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  requestId: string;
  retryable: boolean;
  fields?: Readonly<Record<string, string>>;
}

/** The public face of an error: nothing internal in it. `title` is the catalogue's text, `detail` this occurrence's. */
export function toProblem(error: AppError, requestId: string): Problem {
  const { status, message, retryable } = error.entry;
  return {
    type: `urn:rested:error:${error.code}`,
    title: message,
    status,
    detail: error.message,
    code: error.code,
    requestId,
    retryable,
    ...(error.fields ? { fields: error.fields } : {}),
  };
}
