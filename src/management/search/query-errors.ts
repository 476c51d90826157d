/** Recognizes errors of PostgreSQL, even if the driver's error is wrapped. */

/** query_canceled. */
const CANCELED = "57014";
/** invalid_regular_expression: one that is valid can have too many states. */
const PATTERN_INVALID = "2201B";
const DEPTH_MAX = 5;

/** True if a statement exceeded its time limit. */
export function isTimeout(error: unknown): boolean {
  return hasCode(error, CANCELED);
}

/** True if PostgreSQL cannot compile a regular expression. */
export function isPatternError(error: unknown): boolean {
  return hasCode(error, PATTERN_INVALID);
}

function hasCode(error: unknown, code: string, depth = 0): boolean {
  if (typeof error !== "object" || error === null || depth > DEPTH_MAX) return false;
  return (
    Object.values(error).some((value) => value === code || hasCode(value, code, depth + 1)) ||
    ("cause" in error && hasCode(error.cause, code, depth + 1))
  );
}
