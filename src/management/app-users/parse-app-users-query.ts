/** Reads which users of an authentication endpoint are asked for. */
import { toComparedName } from "@/src/core/users/credentials";
import { AppError } from "@/src/shared/errors";
import { APP_USERS_LIMIT_MAX } from "@/src/shared/management/schemas";
import { APP_USER_NAME_LENGTH_MAX } from "@/src/shared/streams/protocol";

const LIMIT_DEFAULT = 50;
const CONTROL = /[\p{Cc}\p{Cs}]/u;

export interface AppUsersQuery {
  /** A part of the name, in the form in which names are compared; null: every user. */
  search: string | null;
  /** Only users whose names come after this one. */
  after: string | null;
  limit: number;
}

/** Raises `parameter_invalid` with the parameters. */
export function parseAppUsersQuery(parameters: URLSearchParams): AppUsersQuery {
  const problems = new Map<string, string>();
  const text = (name: string): string | null => {
    const value = parameters.get(name);
    if (value === null || value === "") return null;
    if (value.length > APP_USER_NAME_LENGTH_MAX) problems.set(name, `Use ${APP_USER_NAME_LENGTH_MAX} characters at most.`);
    else if (CONTROL.test(value)) problems.set(name, "Leave out control characters.");
    return value;
  };
  const search = text("search");
  const after = text("after");
  const sent = parameters.get("limit");
  const limit = sent === null ? LIMIT_DEFAULT : /^\d{1,9}$/.test(sent) ? Number(sent) : 0;
  if (limit < 1 || limit > APP_USERS_LIMIT_MAX) problems.set("limit", `Use a whole number from 1 to ${APP_USERS_LIMIT_MAX}.`);
  if (problems.size > 0) throw new AppError("parameter_invalid", { fields: Object.fromEntries(problems) });
  return { search: search === null ? null : toComparedName(search) || null, after, limit };
}
