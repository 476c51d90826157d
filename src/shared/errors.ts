/**
 * The catalogue of errors (E2): every error that a client can receive, by code. Each transport maps a code to a problem document (HTTP)
 * or a close frame (WebSocket). Codes are never reused. A test compares the catalogue with docs/SPEC.md.
 */
import { SESSION_ENDED_REASON } from "./streams/protocol";

export interface ErrorEntry {
  /** HTTP status. */
  status: number;
  /** WebSocket close code. */
  close: number;
  /** True if the same request can succeed later without changes. */
  retryable: boolean;
  /** States the problem and the fix, for developers. At most 123 bytes, because it is also the close reason (W3). */
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
  key_scope_insufficient: client(403, "This key does not allow this operation. Use a key with the required scope."),
  origin_not_allowed: client(403, "This origin is not allowed. Add it to the project's allowed origins."),
  origin_required: client(403, "This project rejects requests without an Origin header. Send one, or change the project's settings."),
  master_key_invalid: client(403, "The master key is not valid. Create a new one in the project's settings, or leave it out."),
  rate_limited: retry(429, 1013, "Too many requests. Wait for the time in Retry-After, then try again."),
  too_many_streams: retry(429, 1013, "Too many open streams. Close some, then connect again."),
  method_not_allowed: client(405, "This method is not supported here. The Allow header lists the supported methods."),
  not_found: client(404, "Nothing was found at this address."),
  ticket_invalid: client(403, "The ticket is not valid: it was already used, or has expired. Request a new one."),

  quota_exceeded: client(403, "A quota is exceeded. Delete data, or ask this server's administrator to raise the quota."),

  // R: records
  content_type_unsupported: client(400, "This content type is not supported. Send application/json or text/plain."),
  content_encoding_unsupported: client(415, "This Content-Encoding is not supported. Send the body uncompressed, or as gzip or deflate."),
  body_empty: client(400, "The body is empty. Send a JSON value or plain text."),
  body_invalid: client(400, "The body is not valid."),
  body_too_large: client(413, "The body is too large."),
  body_timeout: retry(408, 4000, "The body did not arrive in time. Send the request again."),
  parameter_invalid: client(400, "A URL parameter is not valid."),
  unique_id_missing: client(400, "The uniqueId is missing. Add ?uniqueId=<id> to the URL."),
  unique_id_invalid: client(400, "A uniqueId is not valid: it must have 32 lowercase hex digits."),
  record_not_found: client(404, "This endpoint has no record with this uniqueId."),
  merge_needs_objects: client(400, "Only JSON objects can be merged. Use strategy=force to replace the record."),
  type_mismatch: client(400, "The record has another content type. Use strategy=force to replace it anyway."),
  version_conflict: client(412, "The record was changed in the meantime. Read it again, then retry the change."),

  jsonata_invalid: client(400, "The JSONata expression is not valid."),
  jsonata_limit: client(400, "The JSONata expression exceeds a limit on time, memory or output. Simplify it, or select fewer records."),
  bulk_needs_array: client(400, "With bulk=true the body must be a JSON array with one item for each record."),
  idempotency_key_invalid: client(400, "The Idempotency-Key is not valid. Use 1 to 255 printable ASCII characters."),
  idempotency_key_reused: client(422, "This Idempotency-Key was already used for a different request. Use a new key for each request."),
  schema_mismatch: client(400, "The body does not match the endpoint's schema."),
  schema_limit: client(400, "Checking the body against the endpoint's schema exceeds a limit. Send less data, or simplify the schema."),

  // L: users of an application
  credentials_missing: client(400, "Send a JSON object with either username or email, and password."),
  credentials_invalid: client(400, "The username, e-mail address or password is not valid."),
  username_taken: client(400, "This name is taken. Choose another one, or log in."),
  login_failed: client(401, "Incorrect username or password."),
  email_not_verified: client(403, "Verify your e-mail address first, with the link or code that was sent to it."),
  email_token_invalid: client(401, "The token or code is not valid: it may be used, replaced or expired. Request another e-mail."),
  login_kind_disabled: client(403, "This endpoint does not offer this kind of login. Enable it in the endpoint's settings."),
  cookie_origin_not_listed: client(403, "Add this origin to the project's allowed origins, or log in with noATCookie=true."),

  // F: files
  upload_invalid: client(400, "The upload is not valid. Send multipart/form-data with one or more parts named file."),
  too_many_files: client(400, "Too many files. Upload at most 10 files at once."),
  file_too_large: client(413, "A file is too large. The limit is 100 MB."),
  not_a_file: client(400, "This record is not a file. Omit fileOnly to read its data."),
  file_token_invalid: client(401, "The file token is not valid: it may be expired, or belong to another record. Request a new one."),
  range_not_satisfiable: client(416, "The range is outside the file. Content-Range has the file's size."),
  storage_unavailable: retry(503, 1013, "The file storage is unavailable. Try again shortly."),

  // S: secure endpoints
  access_token_missing: client(401, "This endpoint is secure. Log in first, or send the access token."),
  access_token_invalid: client(401, "The access token is not valid: it may be expired or revoked. Log in again."),

  access_denied: client(403, "This record belongs to another user."),
  access_function_failed: client(403, "The endpoint's access function failed, so access is refused. The server's log has the line."),

  // M: e-mail
  recipient_not_allowed: client(403, "This recipient is not allowed. Check the allowed recipients in the project's e-mail configuration."),
  sender_not_allowed: client(403, "This sender is not allowed. Omit from, or add it in the project's e-mail configuration."),
  email_not_configured: client(409, "This project has no e-mail configuration. Add one in the project's settings."),

  // W: reasons for closing an open stream
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
    message: "The endpoint is now secure. Connect again with an access token.",
  },
  origin_removed: { status: 403, close: 1000, retryable: false, message: "This origin is no longer allowed." },
  session_ended: {
    status: 401,
    close: 1000,
    retryable: false,
    message: SESSION_ENDED_REASON,
  },
  disconnected: { status: 403, close: 1000, retryable: false, message: "The project's owner ended this connection." },
  access_changed: { status: 403, close: 1000, retryable: false, message: "Access to the endpoint has changed. Connect again." },
  slow_consumer: retry(503, 1013, "This client reads too slowly. Connect again and read faster."),
  message_too_big: {
    status: 413,
    close: 1009,
    retryable: false,
    message: "Client messages are limited to 4 KiB, and are ignored.",
  },
  message_flood: {
    status: 429,
    close: 1008,
    retryable: false,
    message: "Client messages are ignored, and this client sends too many of them.",
  },
  server_shutdown: retry(503, 1012, "The server is restarting. Connect again."),
  upgrade_invalid: client(400, "This is not a valid WebSocket handshake (RFC 6455, section 4.1)."),
  cursor_invalid: client(400, "The cursor is not valid. Use one that this endpoint sent, or since=now."),

  // G: management
  session_missing: client(401, "Sign in first, or send a management token."),
  account_mismatch: client(409, "The session belongs to another account. Sign in as the account in X-Rested-Account, or leave it out."),
  management_token_invalid: client(401, "The management token is not valid: it may be expired or revoked."),
  token_scope_insufficient: client(403, "This management token does not allow this. Use one with the required scope and projects."),
  cross_site_request: client(403, "Send this request from the dashboard, or with a management token."),
  fields_invalid: client(400, "Some fields are not valid."),
  name_taken: client(409, "This name is taken. Choose another one."),
  email_taken: client(409, "An account with this e-mail address already exists."),
  current_password_wrong: client(403, "The current password is incorrect."),
  key_already_revoked: client(409, "This key is revoked or expired, so it cannot be rotated."),
  delivery_expired: client(409, "The log no longer has this change, so it cannot be sent again."),
  admin_required: client(403, "Only an administrator of this server can do this."),
  setup_done: client(409, "The first administrator already exists. Sign in instead."),
  setup_token_invalid: client(403, "The setup link is not valid. Use the link that the server printed when it started."),
  signup_closed: client(403, "Sign-up is disabled on this server. Ask its administrator for an account."),

  // E: the server
  https_required: client(308, "This server accepts only HTTPS. Location has the address."),
  request_invalid: client(400, "The request is not valid HTTP."),
  host_not_allowed: client(421, "This host name is not allowed. Use the server's public address."),
  transfer_encoding_unsupported: client(501, "This Transfer-Encoding is not supported. Send the body unencoded, or only chunked."),
  headers_too_large: client(431, "The request's headers are too large."),
  database_unavailable: retry(503, 1013, "The database is unavailable. Try again shortly."),
  server_busy: retry(503, 1013, "The server is busy. Wait for the time in Retry-After, then try again."),
  internal_error: retry(500, 1011, "An unexpected error occurred. Try again; the server's log has an entry with this request id."),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

const BRAND = Symbol.for("rested.error");

export interface AppErrorOptions {
  /** Replaces the catalogue's message. Names the field, the position or the limit. Sent to the client. */
  detail?: string;
  /** Logged, never sent. */
  internal?: string;
  /** Problems by field (G6, E1): field path → message. Sent as the `fields` member. */
  fields?: Readonly<Record<string, string>>;
  /** Seconds for the Retry-After header. */
  retryAfterSeconds?: number;
  /** The size of the file, for the Content-Range header of `range_not_satisfiable`. */
  fileBytes?: number;
  cause?: unknown;
}

/** An error of the catalogue. Test for it with {@link isAppError}, because `instanceof` fails across bundles. */
export class AppError extends Error {
  readonly [BRAND] = true;
  readonly code: ErrorCode;
  readonly internal: string | undefined;
  readonly fields: Readonly<Record<string, string>> | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly fileBytes: number | undefined;

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    // Collecting the frames takes longer than all other work for a refused request. A refusal of the client needs none: its code says what happened.
    const framesMax = Error.stackTraceLimit;
    if (ERRORS[code].status < 500) Error.stackTraceLimit = 0;
    super(options.detail ?? ERRORS[code].message, options.cause === undefined ? undefined : { cause: options.cause });
    Error.stackTraceLimit = framesMax;
    this.name = "AppError";
    this.code = code;
    this.internal = options.internal;
    this.fields = options.fields;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.fileBytes = options.fileBytes;
  }

  get entry(): ErrorEntry {
    return ERRORS[this.code];
  }
}

/** Returns true for an AppError of any bundle of this process. */
export function isAppError(error: unknown): error is AppError {
  return typeof error === "object" && error !== null && BRAND in error;
}

/** A problem document (RFC 9457), as defined by E1. */
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

/** Returns the problem document of an error, without internal details. `title` is the catalogue's message, `detail` that of this occurrence. */
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
