/** The access rules of endpoints in the management API (A5, A6): the bodies of requests and responses. */
import * as z from "zod/mini";
import { parseAccessRules } from "@/src/shared/rules/access-rules";
import { HIDE_ENTRIES_MAX, RULE_LENGTH_MAX } from "@/src/shared/rules/rule-syntax";
import { ACCESS_FUNCTION_BYTES_MAX, accessFunctionProblem } from "@/src/shared/text/access-function";

/** The records that a preview examines, and the users for whom it does. */
export const PREVIEW_RECORDS_MAX = 1_000;
export const PREVIEW_USERS_MAX = 20;
/** For how many of these records, of each user, a preview asks the access function. */
export const PREVIEW_SAMPLE_MAX = 50;
/** How many versions of an endpoint's access are kept. */
export const ACCESS_VERSIONS_MAX = 50;

const time = z.iso.datetime({ offset: true });
const ruleText = z
  .string("Use a text with a rule, or null for none.")
  .check(z.maxLength(RULE_LENGTH_MAX, `Use ${RULE_LENGTH_MAX} characters at most.`));
const rule = z.optional(z.nullable(ruleText));
const hideEntry = z
  .string("Use a text like phone unless @owner = @user.id.")
  .check(z.maxLength(RULE_LENGTH_MAX, `Use ${RULE_LENGTH_MAX} characters at most.`));
const HIDE = 'Use a list of texts, like ["phone unless @owner = @user.id"], or null for none.';

/** An absent or null rule: the switches of the endpoint apply (S2). The message of a problem begins with its line and column. */
export const accessRulesSchema = z
  .strictObject(
    {
      read: rule,
      create: rule,
      update: rule,
      delete: rule,
      hide: z.optional(
        z.nullable(z.array(hideEntry, HIDE).check(z.maxLength(HIDE_ENTRIES_MAX, `Use ${HIDE_ENTRIES_MAX} entries at most.`))),
      ),
    },
    "Use an object with read, create, update, delete and hide, or null for none.",
  )
  .check((context) => {
    const parsed = parseAccessRules(context.value);
    if (parsed.ok) return;
    for (const [field, { message, line, column }] of Object.entries(parsed.problems)) {
      const path = field === "" ? [] : field.split(".").map((step) => (/^\d+$/.test(step) ? Number(step) : step));
      context.issues.push({
        code: "custom",
        message: path.length === 0 ? message : `Line ${line}, column ${column}: ${message}`,
        input: context.value,
        path,
      });
    }
  });

const nullableText = z.nullable(z.string());
/** The rules as stored. Null: the operation has no rule of its own. */
export const storedRulesSchema = z.object({
  read: nullableText,
  create: nullableText,
  update: nullableText,
  delete: nullableText,
  hide: z.array(z.string()),
});
/** The meaning of the endpoint's kind and switches, as rules. They apply to operations without a rule of their own. */
export const defaultRulesSchema = z.object({ read: z.string(), create: z.string(), update: z.string(), delete: z.string() });

/** The account that made a change. */
const author = z.nullable(z.object({ id: z.string(), name: z.string() }));
const accessVersion = z.object({
  number: z.int(),
  rules: z.nullable(storedRulesSchema),
  /** The source of the access function. Null: none. */
  accessFunction: z.nullable(z.string()),
  /** Null: the account was deleted. */
  author,
  createdAt: time,
});
/** GET endpoints/{id}/access-versions. Newest first; the first one is in force. */
export const accessVersionsSchema = z.object({ versions: z.array(accessVersion) });
/** POST endpoints/{id}/access-versions. Makes the access what it was in this version. */
export const accessRestoreSchema = z.strictObject({
  number: z.int("Use the number of a version.").check(z.gte(1, "Use the number of a version.")),
});

const functionText = z
  .string("Use the source of a function, or null for none.")
  .check(
    z.refine(
      (value) => accessFunctionProblem(value) === undefined,
      `Use one function with ${ACCESS_FUNCTION_BYTES_MAX / 1024} KiB at most.`,
    ),
  );
const UNIQUE_ID = "Use 32 lowercase hex digits.";
const uniqueId = z.string(UNIQUE_ID).check(z.regex(/^[0-9a-f]{32}$/, UNIQUE_ID));
const OPERATIONS = ["read", "create", "update", "delete", "subscribe"] as const;
const KEY_SCOPES = ["read", "write", "read_write"] as const;
/** POST endpoints/{id}/access-check. */
export const accessCheckSchema = z.strictObject({
  /** A user of the project; null: nobody is logged in. */
  user: z.nullable(uniqueId),
  operation: z.enum(OPERATIONS, `Use one of: ${OPERATIONS.join(", ")}.`),
  /** A stored record. Either this or `record`. */
  uniqueId: z.optional(uniqueId),
  /** A record that need not be stored. `owner`: default null, and for `create` the user. */
  record: z.optional(
    z.strictObject({ data: z.unknown(), owner: z.optional(z.nullable(uniqueId)) }, "Use an object with data, and an owner if it has one."),
  ),
  /** The body of a create or update. */
  input: z.optional(z.unknown()),
  /** The scope of the key. Default: read_write. */
  keyScope: z.optional(z.enum(KEY_SCOPES, `Use one of: ${KEY_SCOPES.join(", ")}.`)),
  /** The name of the key, and the origin of the request, as an access function sees them. Default: an empty name, and none. */
  keyName: z.optional(z.string("Use a text.").check(z.maxLength(100, "Use 100 characters at most."))),
  origin: z.optional(z.nullable(z.string("Use a text, or null for none.").check(z.maxLength(300, "Use 300 characters at most.")))),
  /** Rules to try instead of the stored ones. Null: none. */
  rules: z.optional(z.nullable(accessRulesSchema)),
  /** The source of an access function to try instead of the stored one. Null: none. */
  accessFunction: z.optional(z.nullable(functionText)),
});
/**
 * The cause of a verdict. `kind`: a rule, the default of the endpoint's switches, the access function, or the endpoint itself, which needs a token. Rules and the
 * function must both allow; the function is asked after the rules.
 */
const decision = z.object({
  kind: z.enum(["rule", "default", "endpoint", "function"]),
  /** The rule as written. Null: another kind. */
  rule: z.nullable(z.string()),
  /** The part of the rule that decided, and its verdict. An undecided part compares something that is missing, null or of another type. */
  part: z.nullable(z.string()),
  verdict: z.nullable(z.enum(["true", "false", "undecided"])),
  /** Where the part begins, or where the function failed. */
  line: z.nullable(z.int()),
  column: z.nullable(z.int()),
  reason: z.string(),
});
/** The call of the access function. It is made even if the rules refuse, but then it decides nothing. */
const functionTrial = z.object({
  outcome: z.enum(["allowed", "refused", "failed"]),
  /** The reason that the function returned. */
  reason: nullableText,
  /** Why it failed. */
  cause: z.nullable(z.enum(["exception", "type", "pending", "source", "time", "memory", "depth", "output"])),
  /** The message of the failure, which is not logged and not sent to others, because it can quote data. */
  message: nullableText,
  /** Where it failed. */
  line: z.nullable(z.int()),
  column: z.nullable(z.int()),
  millis: z.number(),
});
export const accessCheckedSchema = z.object({
  allowed: z.boolean(),
  decidedBy: decision,
  /** Null: the endpoint has no access function, or refuses the user before. */
  function: z.nullable(functionTrial),
  /** The entries of `hide` that hide fields of the record from the user. */
  hidden: z.array(z.string()),
  /** How long the decision took. */
  millis: z.number(),
});

/** POST endpoints/{id}/access-preview. */
export const accessPreviewSchema = z.strictObject({
  /** Rules to try. Absent: the stored ones. Null: none. */
  rules: z.optional(z.nullable(accessRulesSchema)),
  /** The source of an access function to try. Absent: the stored one. Null: none. */
  accessFunction: z.optional(z.nullable(functionText)),
  users: z
    .array(z.nullable(uniqueId), "Use a list of uniqueIds of users; null stands for nobody.")
    .check(z.minLength(1, "List at least one user."), z.maxLength(PREVIEW_USERS_MAX, `List at most ${PREVIEW_USERS_MAX} users.`)),
});
export const accessPreviewedSchema = z.object({
  /** How many of the newest records were examined. */
  examined: z.int(),
  /** False: there are more records. */
  complete: z.boolean(),
  /**
   * In the order of the request. `readable`: how many of the records the rules allow; `redacted`: how many of these have hidden fields. `sample`: the access
   * function was called for the newest of these: `asked` calls, of which `allowed` returned true and `failed` failed. Null: there is no function.
   */
  users: z.array(
    z.object({
      user: nullableText,
      readable: z.int(),
      redacted: z.int(),
      sample: z.nullable(z.object({ asked: z.int(), allowed: z.int(), failed: z.int() })),
    }),
  ),
  millis: z.number(),
});

export type AccessRulesInput = z.infer<typeof accessRulesSchema>;
export type StoredRules = z.infer<typeof storedRulesSchema>;
export type AccessVersions = z.infer<typeof accessVersionsSchema>;
export type AccessCheck = z.infer<typeof accessCheckSchema>;
export type AccessChecked = z.infer<typeof accessCheckedSchema>;
export type AccessPreview = z.infer<typeof accessPreviewSchema>;
export type AccessPreviewed = z.infer<typeof accessPreviewedSchema>;
