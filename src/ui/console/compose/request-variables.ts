/** Variables in the composer's requests: `{{now}}` and others are replaced when a request is sent. Pure. */

/** The built-in variables. */
export const BUILT_IN: readonly { name: string; hint: string }[] = [
  { name: "now", hint: "the time, in ISO 8601" },
  { name: "timestamp", hint: "milliseconds since 1970" },
  { name: "random", hint: "a whole number from 0 to 999,999" },
  { name: "id", hint: "the ID of the last record that was written from here" },
];

export interface VariableSources {
  nowMs: number;
  /** From 0 to 1. */
  random: () => number;
  lastId: string | undefined;
  /** Those of the project, by name. */
  own: ReadonlyMap<string, string>;
}

const VARIABLE = /\{\{\s*([A-Za-z_][\w-]*)\s*\}\}/g;

export type Expanded = { ok: true; text: string } | { ok: false; unknown: string };

/**
 * Replaces the variables of a text. A value between double quotes is escaped as in JSON; others are inserted as they are, such as numbers. Fails with the
 * name of the first variable that has no value.
 */
export function expandVariables(text: string, sources: VariableSources): Expanded {
  let unknown: string | undefined;
  const expanded = text.replace(VARIABLE, (whole, name: string, offset: number) => {
    const value = toValue(name, sources);
    if (value === undefined) {
      unknown ??= name;
      return whole;
    }
    // Between quotes of JSON, the value becomes part of a string.
    return isQuoted(text, offset) ? JSON.stringify(value).slice(1, -1) : value;
  });
  return unknown === undefined ? { ok: true, text: expanded } : { ok: false, unknown };
}

function toValue(name: string, { nowMs, random, lastId, own }: VariableSources): string | undefined {
  const value = own.get(name);
  if (value !== undefined) return value;
  switch (name) {
    case "now":
      return new Date(nowMs).toISOString();
    case "timestamp":
      return String(nowMs);
    case "random":
      return String(Math.floor(random() * 1_000_000));
    case "id":
      return lastId;
    default:
      return undefined;
  }
}

/** True if an odd number of quotes without a backslash precedes. */
function isQuoted(text: string, offset: number): boolean {
  return (text.slice(0, offset).match(/(?<!\\)(?:\\\\)*"/g)?.length ?? 0) % 2 === 1;
}

/** The text with numbers of the same length in place of variables, which may stand in JSON without quotes. */
export function maskVariables(text: string): string {
  return text.replace(VARIABLE, (whole) => "1".repeat(whole.length));
}

/** True if the text has variables. */
export function hasVariables(text: string): boolean {
  return new RegExp(VARIABLE.source).test(text);
}
