/** Parses the bodies of requests for e-mails and of the uses of their tokens (L8–L11). */
import { readMembers } from "@/src/core/json/members";
import { isJsonObject } from "@/src/core/json/text";
import type { RecordBody } from "@/src/core/records/record-body";
import { lastValue, nameProblem, passwordProblem, toComparedName } from "@/src/core/users/credentials";
import { AppError } from "@/src/shared/errors";

/** Longer texts match nothing and need not be kept. */
const TOKEN_LENGTH_MAX = 100;

type Field = "email" | "token" | "code" | "password";

/** Returns the address in the form for comparison. Throws `credentials_missing`, `credentials_invalid`. */
export function parseEmailRequest(body: RecordBody): string {
  const { email } = readFields(body, ["email"], "Send a JSON object with email.");
  return toName(email) ?? missing("Send a JSON object with email.");
}

/** Returns the token and the new password. Throws as {@link parseEmailRequest} does. */
export function parseReset(body: RecordBody): { token: string; password: string } {
  const detail = "Send a JSON object with token and password.";
  const { token, password } = readFields(body, ["token", "password"], detail);
  if (token === undefined || password === undefined) return missing(detail);
  const problem = passwordProblem(password);
  if (problem !== undefined) throw new AppError("credentials_invalid", { fields: { password: problem } });
  return { token: token.slice(0, TOKEN_LENGTH_MAX), password };
}

/** Returns what the body has of a token or code and an address; at least one of them. Throws as {@link parseEmailRequest} does. */
export function parseToken(body: RecordBody, field: "token" | "code"): { token: string | undefined; name: string | undefined } {
  const detail = `Send a JSON object with ${field === "token" ? "either token or email" : "email, or with email and code"}.`;
  const { [field]: token, email } = readFields(body, [field, "email"], detail);
  const isAmbiguous = field === "token" && token !== undefined && email !== undefined;
  if ((token === undefined && email === undefined) || isAmbiguous) return missing(detail);
  return { token: token?.slice(0, TOKEN_LENGTH_MAX), name: toName(email) };
}

/** Of duplicate keys the last one counts. */
function readFields<Name extends Field>(
  { contentType, data }: RecordBody,
  names: readonly Name[],
  detail: string,
): Partial<Record<Name, string>> {
  if (contentType !== "json") throw new AppError("content_type_unsupported", { detail: "Send application/json." });
  if (!isJsonObject(data)) return missing(detail);
  const members = readMembers(data);
  const values: Partial<Record<Name, string>> = {};
  const problems: Record<string, string> = {};
  for (const name of names) {
    const value = lastValue(members, name);
    if (typeof value === "string") values[name] = value;
    else if (value !== undefined) problems[name] = "Use a string.";
  }
  if (Object.keys(problems).length > 0) throw new AppError("credentials_invalid", { fields: problems });
  return values;
}

function toName(email: string | undefined): string | undefined {
  if (email === undefined) return undefined;
  const problem = nameProblem("email", email);
  if (problem !== undefined) throw new AppError("credentials_invalid", { fields: { email: problem } });
  return toComparedName(email);
}

function missing(detail: string): never {
  throw new AppError("credentials_missing", { detail });
}
