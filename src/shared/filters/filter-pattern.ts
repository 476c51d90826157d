/** Checks the regular expressions of filter expressions (G27), which the browser and the database both match. */
import { translatePattern, UnsupportedPatternError } from "@/src/shared/text/translate-pattern";

/** The maximum count of a repetition in PostgreSQL. */
const REPEAT_MAX = 255;

/** Why a regular expression cannot be used, as a sentence. Undefined: it can. */
export function findPatternProblem(pattern: string): string | undefined {
  if (/\\[pP]\{/.test(pattern)) return "Write the characters instead of \\p, as in [a-z].";
  try {
    const translated = translatePattern(pattern);
    const counts = [...translated.matchAll(/\{(\d+)(?:,(\d*))?\}/g)].flatMap(([, least, most]) => [Number(least), Number(most ?? 0)]);
    return counts.some((count) => count > REPEAT_MAX) ? `Repeat something at most ${REPEAT_MAX} times.` : undefined;
  } catch (error) {
    if (error instanceof UnsupportedPatternError) return `This regular expression ${error.message}, which is not supported.`;
    return "This is not a regular expression. For the text itself, put it in quotes.";
  }
}
