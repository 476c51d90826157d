/** Reads what drafts of forms keep beside the fields. It was stored by the form, but may be of an older version of it. Pure. */

/** The member of a stored object; undefined if there is none, or if the value is not an object. */
export function readMember(state: unknown, name: string): unknown {
  return typeof state === "object" && state !== null ? Object.entries(state).find(([key]) => key === name)?.[1] : undefined;
}

/** The stored member if it is one of `values`, otherwise undefined. */
export function readOneOf<Value>(state: unknown, name: string, values: readonly Value[]): Value | undefined {
  const member = readMember(state, name);
  return values.find((value) => value === member);
}

export function readFlag(state: unknown, name: string): boolean | undefined {
  return readOneOf(state, name, [true, false]);
}

/** The stored list of texts, null if null was stored, otherwise undefined. */
export function readTexts(state: unknown, name: string): readonly string[] | null | undefined {
  const member = readMember(state, name);
  if (member === null) return null;
  return Array.isArray(member) ? member.filter((text) => typeof text === "string") : undefined;
}
