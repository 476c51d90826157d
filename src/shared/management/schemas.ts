/**
 * The bodies of the management API (G): one schema for each request and response. Types, validation, forms and the API description are derived from
 * them. Lists are plain arrays; times are ISO 8601 in UTC.
 */
import * as z from "zod/mini";
import { CSV_DELIMITERS, EXPORT_FORMATS, NAMED_RECORDS_MAX } from "@/src/shared/record-limits";
import { ACCESS_FUNCTION_BYTES_MAX, accessFunctionProblem } from "@/src/shared/text/access-function";
import { ENDPOINT_NAME_KEYWORDS, endpointNameProblem, PROJECT_NAME_KEYWORDS, projectNameProblem } from "@/src/shared/text/names";
import { startNames } from "@/src/shared/text/start-names";
import { allowedOrigins } from "../http/origins-schema";
import { ENDPOINT_KINDS, FILE_CACHE_SECONDS_MAX } from "../streams/protocol";
import { APP_PASSWORD_LENGTH_MAX, APP_PASSWORD_LENGTH_MIN } from "../text/password-length";
import { TEMPLATE_IDS } from "../text/templates";
import { accessRulesSchema, defaultRulesSchema, storedRulesSchema } from "./access";
import { email, password } from "./password-reset";
import { schemaKeywords } from "./schema-keywords";

/** How long a rotated key may keep working: at most 30 days. */
export const GRACE_SECONDS_MAX = 2_592_000;
export const CHANGES_LIMIT_MAX = 500;
export const RATE_LIMIT_MAX = 1_000_000;
/** The maximum number of open streams in a response. */
export const CONNECTIONS_LIMIT_MAX = 500;
/** The maximum number of users in a page. */
export const APP_USERS_LIMIT_MAX = 200;
/** The maximum size of a JSON Schema as text. */
export const SCHEMA_BYTES_MAX = 65_536;

// ---- Pieces --------------------------------------------------------------------------------------------------------

const CONTROL = /[\p{Cc}\p{Cs}]/u;
const CONTROL_BUT_LINES = /(?![\n\r\t])[\p{Cc}\p{Cs}]/u;
// The same for JSON Schema, in a syntax that the patterns of every language support. They cannot express unpaired surrogates.
const NO_CONTROL = "^[^\\x00-\\x1f\\x7f-\\x9f]*$";
const NO_CONTROL_BUT_LINES = "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]*$";
const text = () => z.string("Use a string.");
const flag = () => z.boolean("Use true or false.");

/** A text for which `problemOf` returns undefined. Its result is the error message. */
const untrimmed = (problemOf: (value: string) => string | undefined, ...before: Parameters<ReturnType<typeof text>["check"]>) =>
  text().check(
    ...before,
    z.check<string>((context) => {
      const message = problemOf(context.value);
      if (message !== undefined) context.issues.push({ code: "custom", message, input: context.value });
    }),
  );
const named = (problemOf: (value: string) => string | undefined, keywords: Record<string, unknown>) =>
  untrimmed(problemOf, z.trim()).register(schemaKeywords, keywords);

const label = (what: string, lengthMax: number) =>
  named(
    (value) => {
      if (value === "") return `Enter ${what}.`;
      if (value.length > lengthMax) return `Use ${lengthMax} characters at most.`;
      return CONTROL.test(value) ? "Remove control characters." : undefined;
    },
    { minLength: 1, maxLength: lengthMax, pattern: NO_CONTROL },
  );

const projectName = named(projectNameProblem, PROJECT_NAME_KEYWORDS);
const endpointName = named(endpointNameProblem, ENDPOINT_NAME_KEYWORDS);
const description = named(
  (value) => {
    if (value.length > 2000) return "Use 2000 characters at most.";
    return CONTROL_BUT_LINES.test(value) ? "Remove control characters." : undefined;
  },
  { maxLength: 2000, pattern: NO_CONTROL_BUT_LINES },
);
const time = z.iso.datetime({ offset: true, error: "Use a time like 2030-01-31T12:00:00Z." });
const expiry = z.nullable(time);
const count = z.number().check(z.gte(0));
const id = z.string();

/** Without the alternatives, which code generators cannot handle. */
const JSON_SCHEMA_KEYWORDS = { anyOf: undefined, description: "A JSON Schema (2020-12): an object, true or false; or null for none." };
/** A JSON Schema (R10): an object, true or false; null: none. Its contents are checked where schemas are compiled. */
const jsonSchema = z
  .nullable(z.union([z.record(z.string(), z.unknown()), z.boolean()], "Use a JSON Schema: an object, true or false; or null for none."))
  .register(schemaKeywords, JSON_SCHEMA_KEYWORDS);

export const KEY_SCOPES = ["read", "write", "read_write"] as const;
const scope = z.enum(KEY_SCOPES, `Use one of: ${KEY_SCOPES.join(", ")}.`);

// ---- Requests ------------------------------------------------------------------------------------------------------

export const projectCreateSchema = z.strictObject({
  name: projectName,
  allowedOrigins: z.optional(allowedOrigins),
  /** Also allow the origin `null` (sandboxed frames, files). Pages of any site can have it. */
  allowNullOrigin: z.optional(flag()),
  disallowNoOrigin: z.optional(flag()),
  /** Requests per minute for each key and address (U8). Null: the server's limit. */
  rateLimit: z.optional(
    z.nullable(
      z
        .int("Use a whole number of requests a minute.")
        .check(z.gte(1, "Use 1 or more."), z.lte(RATE_LIMIT_MAX, `Use ${RATE_LIMIT_MAX} at most.`)),
    ),
  ),
});
export const projectPatchSchema = z.partial(projectCreateSchema);

export const keyCreateSchema = z.strictObject({
  name: label("a name", 100),
  scope: z.optional(scope),
  /** In the future. Null or absent: never. */
  expiresAt: z.optional(expiry),
});
export const keyRotateSchema = z.strictObject({
  /** How long the old key keeps working. 0 revokes it immediately. */
  graceSeconds: z
    .int("Use a whole number of seconds.")
    .check(z.gte(0, "Use 0 or more seconds."), z.lte(GRACE_SECONDS_MAX, `Use ${GRACE_SECONDS_MAX} seconds at most.`)),
  /** The expiry of the new key. Null or absent: never. */
  expiresAt: z.optional(expiry),
});

// Not trimmed, so that the lines of errors are those of the text that was sent.
const accessFunction = untrimmed(accessFunctionProblem).register(schemaKeywords, { minLength: 1, maxLength: ACCESS_FUNCTION_BYTES_MAX });

const CACHE_SECONDS = `Use a whole number of seconds, from 0 to ${FILE_CACHE_SECONDS_MAX} (a year).`;
export const endpointCreateSchema = z.strictObject({
  name: endpointName,
  description: z.optional(description),
  /** Chosen at creation; it cannot be changed. */
  kind: z.optional(z.enum(ENDPOINT_KINDS, `Use one of: ${ENDPOINT_KINDS.join(", ")}.`)),
  secure: z.optional(flag()),
  othersCanRead: z.optional(flag()),
  othersCanUpdate: z.optional(flag()),
  othersCanDelete: z.optional(flag()),
  /** How long any cache may keep files (F2), in seconds. 0: only browsers may, and they revalidate each time. */
  fileCacheSeconds: z.optional(z.int(CACHE_SECONDS).check(z.gte(0, CACHE_SECONDS), z.lte(FILE_CACHE_SECONDS_MAX, CACHE_SECONDS))),
  schema: z.optional(jsonSchema),
  /** The source of the access function (S8). Null: none. */
  accessFunction: z.optional(z.nullable(accessFunction)),
  /** The access rules (A1). Null: none. */
  rules: z.optional(z.nullable(accessRulesSchema)),
});
export const endpointPatchSchema = z.partial(z.omit(endpointCreateSchema, { kind: true }));
const uniqueIds = z
  .array(z.string().check(z.regex(/^[0-9a-f]{32}$/, "Use 32 lowercase hex digits.")), "Use a list of uniqueIds.")
  .check(z.minLength(1, "List at least one record."), z.maxLength(NAMED_RECORDS_MAX, `List at most ${NAMED_RECORDS_MAX} records.`));
/** POST endpoints/{id}/records/delete. Those of the records that still exist are deleted together. */
export const recordsDeleteSchema = z.strictObject({ uniqueIds });
/** POST endpoints/{id}/export. Exports the named records. */
export const exportSchema = z.strictObject({
  format: z.enum(EXPORT_FORMATS, `Use one of: ${EXPORT_FORMATS.join(", ")}.`),
  bom: z.optional(z.boolean("Send true or false.")),
  delimiter: z.optional(z.enum(CSV_DELIMITERS, `Use one of: ${CSV_DELIMITERS.join(", ")}.`)),
  uniqueIds,
});
/** POST endpoints/{id}/schema-check. Checks whether `body` matches `schema`. Nothing is stored. */
export const schemaCheckSchema = z.strictObject({ schema: jsonSchema, body: z.unknown() });

/** PUT endpoints/{id}/users/{uniqueId}/password. Lengths are in characters, not code units. */
export const appPasswordSetSchema = z.strictObject({
  password: text()
    .check(
      z.refine((value) => [...value.slice(0, APP_PASSWORD_LENGTH_MIN * 2)].length >= APP_PASSWORD_LENGTH_MIN, {
        error: `Use ${APP_PASSWORD_LENGTH_MIN} characters or more.`,
      }),
      z.refine((value) => value.length <= APP_PASSWORD_LENGTH_MAX * 2 && [...value].length <= APP_PASSWORD_LENGTH_MAX, {
        error: `Use ${APP_PASSWORD_LENGTH_MAX} characters at most.`,
      }),
    )
    .register(schemaKeywords, { minLength: APP_PASSWORD_LENGTH_MIN, maxLength: APP_PASSWORD_LENGTH_MAX }),
});

const template = z.enum(TEMPLATE_IDS, `Use one of: ${TEMPLATE_IDS.join(", ")}.`);

/** "What are you storing?" The answer becomes the name of a project and of its first endpoint. */
export const startSchema = z.strictObject({
  name: named(
    (value) => {
      if (value === "") return "Enter what you are storing.";
      if (value.length > 100) return "Use 100 characters at most.";
      return startNames(value) ? undefined : "Use at least one letter or digit.";
    },
    { minLength: 1, maxLength: 100, pattern: "[A-Za-z0-9]|[^\\x00-\\x7f]" },
  ),
  /** Creates the endpoints of this template instead of one that is named after the text. */
  template: z.optional(template),
});
/** POST projects/{id}/templates. */
export const templateUseSchema = z.strictObject({ template });

export const setupSchema = z.strictObject({ token: text(), name: label("your name", 100), email, password });
export const signupSchema = z.strictObject({ name: label("your name", 100), email, password });
export const accountPatchSchema = z.strictObject({ name: z.optional(label("your name", 100)) });
export const passwordChangeSchema = z.strictObject({
  currentPassword: text().check(z.minLength(1, "Enter your current password."), z.maxLength(1000, "This is too long.")),
  newPassword: password,
  /** Also revokes management tokens. */
  revokeTokens: z.optional(z.boolean("Use true or false.")),
});
export const TOKEN_SCOPES = ["read", "write"] as const;
const tokenScope = z.enum(TOKEN_SCOPES, `Use one of: ${TOKEN_SCOPES.join(", ")}.`);
const PROJECT_IDS = "Use null for all projects, or a list of 1 to 100 project ids.";
export const tokenCreateSchema = z.strictObject({
  name: label("a name", 100),
  /** Default: write, which includes read. */
  scope: z.optional(tokenScope),
  /** Null or absent: all projects. */
  projectIds: z.optional(
    z.nullable(z.array(z.uuid(PROJECT_IDS), PROJECT_IDS).check(z.minLength(1, PROJECT_IDS), z.maxLength(100, PROJECT_IDS))),
  ),
  expiresAt: z.optional(expiry),
});
/** The body of the sign-in form. It is not strict, so that an old password is never rejected for its form. */
export const loginSchema = z.object({
  email: text().check(z.trim(), z.toLowerCase(), z.minLength(1, "Enter your e-mail address."), z.maxLength(254, "This is too long.")),
  password: text().check(z.minLength(1, "Enter your password."), z.maxLength(1000, "This is too long.")),
});

// ---- Responses -----------------------------------------------------------------------------------------------------

export const keySchema = z.object({
  id,
  projectId: id,
  name: z.string(),
  /** 32 hex digits. Publishable, not a secret (U7). */
  key: z.string(),
  scope,
  expiresAt: expiry,
  lastUsedAt: z.nullable(time),
  revokedAt: z.nullable(time),
  createdAt: time,
  /** The key that this one was created to replace (U7). */
  replacesId: z.nullable(id),
  /** The newest key that was created to replace this one. */
  replacedById: z.nullable(id),
});
export const projectSchema = z.object({
  id,
  name: z.string(),
  allowedOrigins: z.array(z.string()),
  allowNullOrigin: z.boolean(),
  disallowNoOrigin: z.boolean(),
  rateLimit: z.nullable(z.number()),
  hasMasterKey: z.boolean(),
  createdAt: time,
  updatedAt: time,
  /** `keys`: the number of valid keys, neither revoked nor expired. */
  counts: z.object({ endpoints: count, keys: count }),
});
/** POST projects. The project with its first key. */
export const projectCreatedSchema = z.extend(projectSchema, { keys: z.array(keySchema) });
export const endpointSchema = z.object({
  id,
  projectId: id,
  name: z.string(),
  description: z.string(),
  kind: z.enum(ENDPOINT_KINDS),
  secure: z.boolean(),
  othersCanRead: z.boolean(),
  othersCanUpdate: z.boolean(),
  othersCanDelete: z.boolean(),
  fileCacheSeconds: z.int(),
  schema: z.nullable(z.unknown()).register(schemaKeywords, JSON_SCHEMA_KEYWORDS),
  accessFunction: z.nullable(z.string()),
  /** The access rules (A1). Null: none. */
  rules: z.nullable(storedRulesSchema),
  /** The rules of operations without a rule of their own (S2). */
  defaultRules: defaultRulesSchema,
  createdAt: time,
  updatedAt: time,
  /** The number of changes since the endpoint was created, which is the seq of the last one. */
  changeCount: count,
  lastChangeAt: z.nullable(time),
  /** The number of open streams on all servers, as of about a second ago. */
  subscribers: count,
});
/** GET endpoints/{id} and projects/{id}/endpoints. */
export const endpointDetailSchema = z.extend(endpointSchema, { recordCount: count });
export const masterKeySchema = z.object({ masterKey: z.string() });
/** POST keys/{id}/rotate. The new key, and the one that it replaces. */
export const rotatedKeySchema = z.extend(keySchema, { previous: keySchema });
export const startedSchema = z.object({ project: projectSchema, endpoint: endpointDetailSchema, key: keySchema });
/** `path` contains the ticket in its query. Add the host, and `&since=…` if needed. */
export const streamTicketSchema = z.object({ ticket: z.string(), path: z.string(), expiresAt: time });
export const recordSchema = z.object({ uniqueId: z.string(), data: z.unknown(), createdAt: time, updatedAt: time });
export const changeSchema = z.object({
  seq: count,
  type: z.enum(["POST", "PUT", "DELETE"]),
  at: time,
  version: z.number(),
  record: recordSchema,
});
/**
 * Newest first. `more`: older changes exist; the next page has `before` = the last one's seq, or of a search `searched.to`. With `after` or `time`: newer
 * changes exist; the next page has `after` = the first one's seq. Large changes can make a page shorter than `limit`.
 * `cursor` is the end of the log when the page was read: a stream with `since=` it receives what follows.
 */
export const changesSchema = z.object({
  changes: z.array(changeSchema),
  more: z.boolean(),
  cursor: z.string(),
  /** Of a search: the seqs of the newest and the oldest change that were looked through, and of the oldest change in the log. */
  searched: z.optional(z.object({ from: count, to: count, oldest: count })),
});
/** A place between the changes of a project: a time, or a time with the endpoint and the seq of a change. */
export const PROJECT_PLACE_PATTERN =
  "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(?:\\.\\d{1,3})?Z(?:_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}_\\d{1,15})?$";
export const projectChangeSchema = z.extend(changeSchema, { endpointId: id });
/** Newest first, ordered by time, endpoint and seq. */
export const projectChangesSchema = z.object({
  changes: z.array(projectChangeSchema),
  /** There are older changes, or newer ones with `after`. */
  more: z.boolean(),
  /** Without a place and a query: all endpoints. A stream with `since=` the cursor receives what follows. */
  endpoints: z.optional(z.array(z.object({ id, name: z.string(), cursor: z.string() }))),
  /** Of a search: the place of the last change that was looked through, their number, and the number of those that remain. */
  searched: z.optional(z.object({ to: z.nullable(z.string()), count, remaining: count })),
});
/** POST endpoints/{id}/schema-check. `problems`: by JSON pointer into the body; empty if it matches. */
export const schemaCheckedSchema = z.object({ valid: z.boolean(), problems: z.record(z.string(), z.string()) });
/** A user of an application (L): the record at an authentication endpoint, and the number of logins. */
export const appUserSchema = z.object({
  /** The record's uniqueId. */
  id,
  name: z.string(),
  createdAt: time,
  updatedAt: time,
  /** The number of valid tokens. */
  sessions: count,
  lastUsedAt: z.nullable(time),
});
/** Sorted by name. `next`: the next page has `after` = this; null: this is the last page. */
export const appUsersSchema = z.object({ users: z.array(appUserSchema), next: z.nullable(z.string()), total: count });
/** A valid access token of a user, without the token itself. */
export const appSessionSchema = z.object({
  id,
  userAgent: z.nullable(z.string()),
  address: z.nullable(z.string()),
  createdAt: time,
  lastUsedAt: z.nullable(time),
  expiresAt: time,
});
/** A record in the grid, with the `version` for conditional writes and its kind. */
export const gridRecordSchema = z.extend(recordSchema, {
  version: z.number(),
  contentType: z.enum(["json", "text", "file"]),
  /** The user that owns the record: a uniqueId at an authentication endpoint. */
  owner: z.nullable(z.string()),
});
/**
 * `next`: the next page has `cursor` = this; null: this is the last page. `since`: the end of the log before the page was read; a stream from there
 * receives the changes that the page may lack. Large records can make a page shorter than `limit`.
 */
export const gridPageSchema = z.object({ records: z.array(gridRecordSchema), next: z.nullable(z.string()), since: z.string() });
/**
 * GET endpoints/{id}/records?viewAs=. `viewedAs`: only in the response to a request with `viewAs`. Its `user` is null for nobody; `refused`: why the endpoint
 * refuses all requests of the user.
 */
export const viewedPageSchema = z.extend(gridPageSchema, {
  viewedAs: z.optional(
    z.object({ user: z.nullable(z.object({ uniqueId: z.string(), name: z.string() })), refused: z.nullable(z.string()) }),
  ),
});
/** POST endpoints/{id}/records/delete. How many of them still existed. */
export const recordsDeletedSchema = z.object({ deleted: count });
/** POST endpoints/{id}/import. How many records were created. */
export const importedSchema = z.object({ imported: count });
const values = z.array(z.unknown());
/** POST endpoints/{id}/import?check=true. `guessed`: the import must name the encoding. `samples`: records that show whether it is right. */
export const importCheckedSchema = z.object({ records: count, first: values, charset: z.string(), guessed: z.boolean(), samples: values });
export const accountSchema = z.object({ id, name: z.string(), email: z.string(), role: z.enum(["admin", "member"]), createdAt: time });
export const sessionSchema = z.object({
  id,
  userAgent: z.nullable(z.string()),
  address: z.nullable(z.string()),
  createdAt: time,
  lastSeenAt: time,
  expiresAt: time,
  /** The session that sends this request. */
  current: z.boolean(),
});
export const tokenSchema = z.object({
  id,
  name: z.string(),
  /** The first characters, for recognition. */
  prefix: z.string(),
  scope: tokenScope,
  /** Null: all projects. */
  projectIds: z.nullable(z.array(z.string())),
  createdAt: time,
  lastUsedAt: z.nullable(time),
  expiresAt: expiry,
});
/** POST account/tokens. The only response that contains the token itself. */
export const tokenCreatedSchema = z.extend(tokenSchema, { token: z.string() });

export * from "./access";
export * from "./connections";
export { emailConfigurationSchema, emailSettingsSchema, emailTestedSchema, emailTestSchema } from "./email";
export { emptySchema, forgotSchema, passwordResetSchema } from "./password-reset";
export { projectUsageSchema, quotasPatchSchema } from "./quotas";
export type * from "./types";
export { emailContentSchema, userEmailPreviewSchema, userEmailsPatchSchema, userEmailsSchema } from "./user-emails";
