/** The source of an access function (S8), as far as it can be checked without evaluating it. */

/** The maximum size of a source as UTF-8. */
export const ACCESS_FUNCTION_BYTES_MAX = 65_536;

/** Returns why a text cannot be the source of an access function. Undefined: it can. */
export function accessFunctionProblem(source: string): string | undefined {
  if (source.trim() === "") return "Enter a function, or send null.";
  if (new TextEncoder().encode(source).length > ACCESS_FUNCTION_BYTES_MAX) return `Use ${ACCESS_FUNCTION_BYTES_MAX / 1024} KiB at most.`;
  // PostgreSQL stores no NUL, and UTF-8 has no unpaired surrogates.
  return /[\0\p{Cs}]/u.test(source) ? "Remove NUL characters and unpaired surrogates." : undefined;
}
