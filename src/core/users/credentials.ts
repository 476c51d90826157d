/** Extracts a user's credentials from a body, and the data without them (L1, L2, L4). */
import { type JsonMember, readMembers, writeMembers } from "@/src/core/json/members";
import { mergeJsonObjects } from "@/src/core/json/merge";
import { isJsonObject } from "@/src/core/json/text";
import type { RecordBody } from "@/src/core/records/record-body";
import { readSentVerified, withoutVerified } from "@/src/core/users/email-verified";
import { AppError } from "@/src/shared/errors";
import { APP_USER_NAME_LENGTH_MAX, type PutStrategy } from "@/src/shared/streams/protocol";
import { hasInvisible } from "@/src/shared/text/invisible";
import { APP_PASSWORD_LENGTH_MAX, APP_PASSWORD_LENGTH_MIN } from "@/src/shared/text/password-length";

type NameField = "username" | "email";

export interface Registration {
  /** In the form for comparison. */
  name: string;
  password: string;
  /** JSON text: the body without the password and without `emailVerified`. */
  data: string;
  isEmail: boolean;
  /** The `emailVerified` that the application's back end sent. */
  sent: boolean | undefined;
}

export interface Login {
  /** In the form for comparison. */
  name: string;
  password: string;
}

export interface UserPatch {
  /** In the form for comparison. Undefined: none was sent. */
  name: string | undefined;
  /** The new password. */
  password: string | undefined;
  currentPassword: string | undefined;
  /** The `emailVerified` that the application's back end sent. */
  verified: boolean | undefined;
  /** The body without passwords and `emailVerified`, and the field that contains the name. */
  members: readonly JsonMember[];
  nameField: NameField | undefined;
}

const NAME_FIELDS: readonly NameField[] = ["username", "email"];
/** These fields are never stored in a record. */
const SECRET_FIELDS: ReadonlySet<string> = new Set(["password", "currentPassword"]);

const EMAIL = /^[^\s@]+@[^\s@.]+(?:\.[^\s@.]+)*$/;

/**
 * The form in which names are compared: independent of case, of how characters are composed (NFKC), and of surrounding white space. Usernames and
 * e-mail addresses share one namespace.
 */
export function toComparedName(name: string): string {
  // Lower-casing can leave characters decomposed.
  return name.normalize("NFKC").trim().toLowerCase().normalize("NFKC");
}

/** `isTrusted`: the application's back end sent it. Throws `credentials_missing`, and `credentials_invalid` with the fields. */
export function parseRegistration(body: RecordBody, { isTrusted = false }: { isTrusted?: boolean } = {}): Registration {
  const sent = readCredentials(body);
  const problems = new Map<string, string>();
  const password = passwordOf(sent.members, problems);
  const name = nameOf(sent, problems);
  refuse(problems);
  if (name === undefined || password === undefined) throw new AppError("credentials_missing");
  return {
    ...{ name, password, data: writeMembers(withoutSecrets(sent.members)), isEmail: sent.nameField === "email" },
    sent: isTrusted ? readSentVerified(sent.members) : undefined,
  };
}

/** Names and passwords that nobody can have are not errors here: the login fails. Throws `credentials_missing`, `credentials_invalid`. */
export function parseLogin(body: RecordBody): Login {
  const { members, nameField } = readCredentials(body);
  const name = nameField && lastValue(members, nameField);
  const password = lastValue(members, "password");
  const problems = new Map<string, string>();
  if (nameField && typeof name !== "string") problems.set(nameField, "Use a string.");
  if (password !== undefined && typeof password !== "string") problems.set("password", "Use a string.");
  refuse(problems);
  if (typeof name !== "string" || typeof password !== "string") throw new AppError("credentials_missing");
  // Longer values match nothing and need not be kept or hashed in full.
  return {
    name: toComparedName(name.slice(0, APP_USER_NAME_LENGTH_MAX + 1)),
    password: password.slice(0, 2 * APP_PASSWORD_LENGTH_MAX + 1),
  };
}

/** Throws `body_invalid` if the body is not an object, `credentials_missing` if it has two names, and `credentials_invalid` with the fields. */
export function parseUserPatch(body: RecordBody, { isTrusted = false }: { isTrusted?: boolean } = {}): UserPatch {
  if (body.contentType !== "json" || !isJsonObject(body.data)) {
    throw new AppError("body_invalid", { detail: "The record of a user must be a JSON object." });
  }
  const sent = readCredentials(body);
  const problems = new Map<string, string>();
  const name = nameOf(sent, problems);
  const password = passwordOf(sent.members, problems);
  const currentPassword = lastValue(sent.members, "currentPassword");
  if (currentPassword !== undefined && typeof currentPassword !== "string") problems.set("currentPassword", "Use a string.");
  refuse(problems);
  return {
    name,
    password,
    currentPassword: typeof currentPassword === "string" ? currentPassword.slice(0, 2 * APP_PASSWORD_LENGTH_MAX + 1) : undefined,
    verified: isTrusted ? readSentVerified(sent.members) : undefined,
    members: withoutSecrets(sent.members),
    nameField: sent.nameField,
  };
}

/** Describes the problem of a new password. Undefined if there is none. */
export function passwordProblem(password: string): string | undefined {
  // A character has at most two code units, so this many code units are too many characters.
  const length = password.length > 2 * APP_PASSWORD_LENGTH_MAX ? password.length : [...password].length;
  if (length < APP_PASSWORD_LENGTH_MIN) return `Use ${APP_PASSWORD_LENGTH_MIN} characters or more.`;
  return length > APP_PASSWORD_LENGTH_MAX ? `Use ${APP_PASSWORD_LENGTH_MAX} characters at most.` : undefined;
}

/**
 * A user's data after a PUT (R4). It always contains the name: if none was sent, the old field stays. A body with only passwords leaves the data
 * unchanged, whatever the strategy.
 */
export async function applyUserPatch(current: string, { members, nameField }: UserPatch, strategy: PutStrategy): Promise<string> {
  if (members.length === 0) return current;
  const old = readMembers(current);
  if (strategy === "merge") {
    const kept = nameField ? old.filter(({ key }) => key === nameField || !isNameField(key)) : old;
    return mergeJsonObjects(writeMembers(kept), writeMembers(members));
  }
  return writeMembers(nameField ? members : [...old.filter(({ key }) => isNameField(key)), ...members]);
}

/** The patch with other members, which include hidden ones that the user keeps (S7). A hidden name stays unless another one was sent. */
export function withMembers(patch: UserPatch, data: string): UserPatch {
  const all = readMembers(data);
  const nameField = patch.nameField ?? NAME_FIELDS.find((field) => all.some(({ key }) => key === field));
  return { ...patch, nameField, members: all.filter(({ key }) => key === nameField || !isNameField(key)) };
}

interface Sent {
  members: readonly JsonMember[];
  nameField: NameField | undefined;
}

function readCredentials({ contentType, data }: RecordBody): Sent {
  if (contentType !== "json") throw new AppError("content_type_unsupported", { detail: "Send application/json." });
  if (!isJsonObject(data)) throw new AppError("credentials_missing");
  const members = readMembers(data);
  const [nameField, other] = NAME_FIELDS.filter((field) => members.some(({ key }) => key === field));
  if (other) throw new AppError("credentials_missing", { detail: "Send username or email, not both." });
  return { members, nameField };
}

function nameOf({ members, nameField }: Sent, problems: Map<string, string>): string | undefined {
  if (!nameField) return undefined;
  const value = lastValue(members, nameField);
  const problem = typeof value === "string" ? nameProblem(nameField, value) : "Use a string.";
  if (problem) problems.set(nameField, problem);
  return typeof value === "string" && problem === undefined ? toComparedName(value) : undefined;
}

export function nameProblem(field: NameField, value: string): string | undefined {
  // Checked before normalizing, whose time is quadratic in a run of combining marks.
  if (value.length > APP_USER_NAME_LENGTH_MAX) return `Use ${APP_USER_NAME_LENGTH_MAX} characters at most.`;
  const name = toComparedName(value);
  if (name === "") return "Enter at least one character.";
  // Normalizing can turn one character into several.
  if (name.length > APP_USER_NAME_LENGTH_MAX) return `Use ${APP_USER_NAME_LENGTH_MAX} characters at most.`;
  if (hasInvisible(value)) return "Remove control characters and invisible characters.";
  if (value !== value.trim()) return "Remove spaces at the start and the end.";
  return field === "email" && !EMAIL.test(name) ? "Use an e-mail address, like name@example.com." : undefined;
}

function passwordOf(members: readonly JsonMember[], problems: Map<string, string>): string | undefined {
  const value = lastValue(members, "password");
  if (value === undefined) return undefined;
  if (typeof value !== "string") {
    problems.set("password", "Use a string.");
    return undefined;
  }
  const problem = passwordProblem(value);
  if (problem) problems.set("password", problem);
  return value;
}

/** The value of a field. Of duplicate keys the last one counts. Undefined if there is none. */
export function lastValue(members: readonly JsonMember[], field: string): unknown {
  const member = members.findLast(({ key }) => key === field);
  if (!member) return undefined;
  // Any value that is not a string is invalid here, so it need not be parsed.
  return member.valueText.startsWith('"') ? JSON.parse(member.valueText) : null;
}

function withoutSecrets(members: readonly JsonMember[]): JsonMember[] {
  return withoutVerified(members.filter(({ key }) => !SECRET_FIELDS.has(key)));
}

function isNameField(key: string): boolean {
  return NAME_FIELDS.some((field) => field === key);
}

function refuse(problems: ReadonlyMap<string, string>): void {
  if (problems.size > 0) throw new AppError("credentials_invalid", { fields: Object.fromEntries(problems) });
}
