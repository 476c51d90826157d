/** Reads which changes of a log are asked for. */
import { AppError } from "@/src/shared/errors";
import { CHANGES_LIMIT_MAX } from "@/src/shared/management/schemas";
import { isUniqueId } from "@/src/shared/streams/protocol";

const LIMIT_DEFAULT = 100;

export interface ChangesQuery {
  before: number | null;
  limit: number;
  /** 32 hex digits. */
  recordId: string | null;
}

/** Raises `parameter_invalid` with the parameters. */
export function parseChangesQuery(parameters: URLSearchParams): ChangesQuery {
  const problems = new Map<string, string>();
  const integer = (name: string, min: number, max: number): number | null => {
    const text = parameters.get(name);
    if (text === null) return null;
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) problems.set(name, `Use a whole number from ${min} to ${max}.`);
    return value;
  };
  const before = integer("before", 1, Number.MAX_SAFE_INTEGER);
  const limit = integer("limit", 1, CHANGES_LIMIT_MAX) ?? LIMIT_DEFAULT;
  const recordId = parameters.get("recordId");
  if (recordId !== null && !isUniqueId(recordId)) problems.set("recordId", "Use 32 lowercase hex digits.");
  if (problems.size > 0) throw new AppError("parameter_invalid", { fields: Object.fromEntries(problems) });
  return { before, limit, recordId };
}
