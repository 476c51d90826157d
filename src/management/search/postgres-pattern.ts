/**
 * Translates regular expressions to those of PostgreSQL. The result has no backreferences, so PostgreSQL matches it with a state machine, without
 * backtracking.
 */
import { translatePattern } from "@/src/shared/text/translate-pattern";

/** The classes of RE2, which know only ASCII. They occur within brackets only. */
const CLASSES: Readonly<Record<string, string>> = {
  d: "0-9",
  D: "\\U00000001-\\U0000002f\\U0000003a-\\U0010ffff",
  w: "0-9A-Za-z\\U0000005f",
  W: "\\U00000001-\\U0000002f\\U0000003a-\\U00000040\\U0000005b-\\U0000005e\\U00000060\\U0000007b-\\U0010ffff",
};
const WORD = `[${CLASSES.w}]`;
const BOUNDARY = `(?:(?<!${WORD})(?=${WORD})|(?<=${WORD})(?!${WORD}))`;
const NO_BOUNDARY = `(?:(?<!${WORD})(?!${WORD})|(?<=${WORD})(?=${WORD}))`;
const TOKEN = /\\x\{([\da-f]+)\}|\\([dDwW])|\\([bB])/g;

/** `pattern` has passed findPatternProblem. */
export function toPostgresPattern(pattern: string): string {
  const translated = translatePattern(pattern).replace(TOKEN, (token: string, hex?: string, set?: string, boundary?: string) => {
    if (hex !== undefined) return `\\U${hex.padStart(8, "0").replace(/^0{8}$/, "00000001")}`;
    if (set !== undefined) return CLASSES[set] ?? token;
    return boundary === "b" ? BOUNDARY : NO_BOUNDARY;
  });
  // Options at the beginning of a pattern would change its meaning.
  return `(?:${translated})`;
}
