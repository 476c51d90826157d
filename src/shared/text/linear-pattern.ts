/** Matches regular expressions of JSON Schemas and of filter expressions in linear time: re2js runs them, in the syntax of RE2. */
import { RE2JS } from "re2js";
import { translatePattern, UnsupportedPatternError } from "./translate-pattern";

/** The maximum number of instructions of a compiled pattern. Each one costs time for each character. */
const PROGRAM_SIZE_MAX = 20_000;

/** Has the methods of RegExp that Ajv uses. `toString` is unique for each pattern. */
export interface LinearPattern {
  test(text: string): boolean;
  toString(): string;
}

/**
 * Compiles a pattern. Matching takes time proportional to the length of the text times that of the pattern. Throws UnsupportedPatternError
 * for a pattern that cannot be matched so, and SyntaxError for an invalid regular expression.
 */
export function compileLinearPattern(pattern: string, { ignoreCase = false } = {}): LinearPattern {
  const translated = translatePattern(pattern);
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(translated, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
  } catch (error) {
    throw new UnsupportedPatternError(`is too complex (${error instanceof Error ? error.message : "unknown"})`);
  }
  if (compiled.programSize() > PROGRAM_SIZE_MAX) throw new UnsupportedPatternError("is too large");
  return { test: (text) => compiled.test(text), toString: () => `linear ${pattern}` };
}
