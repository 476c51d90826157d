/**
 * Removes fields from JSON texts, and keeps the removed ones when a text is replaced, so that digits and key order stay as sent (S7). All texts must be
 * valid JSON.
 */
import { readJsonItems } from "@/src/core/json/items";
import { type JsonMember, readMembers, writeMembers } from "@/src/core/json/members";

/** The names of members and the indexes of items that lead to a field. A symbol: every item and every member. */
type Path = readonly (string | symbol)[];

/** `text` without the fields that `paths` name: members, duplicates included, are left out, and items become null. The text itself if there are none. */
export function removeFields(text: string, paths: readonly Path[]): string {
  if (paths.length === 0) return text;
  if (isArray(text)) {
    const items = readItems(text);
    const kept = items.map((item, index) => {
      const inner = enter(paths, String(index));
      return inner === WHOLE ? "null" : removeFields(item, inner);
    });
    return areSame(items, kept) ? text : `[${kept.join(",")}]`;
  }
  if (!isObject(text)) return text;
  let isChanged = false;
  const kept = readMembers(text).flatMap((member): Pick<JsonMember, "text">[] => {
    const inner = enter(paths, member.key);
    const value = inner === WHOLE ? undefined : removeFields(member.valueText, inner);
    if (value === member.valueText) return [member];
    isChanged = true;
    return value === undefined ? [] : [withValue(member, value)];
  });
  return isChanged ? writeMembers(kept) : text;
}

/** True if `text` has one of the fields. */
export function hasFields(text: string, paths: readonly Path[]): boolean {
  return removeFields(text, paths) !== text;
}

/**
 * The text that replaces `stored` by `body`, with the fields of `stored` that `paths` name. Undefined: `body` would change one of them, or replace an object
 * or a list that may have them. Whether it is undefined depends only on `paths`, `body`, and what `removeFields` leaves of `stored`.
 */
export function keepFields(stored: string, body: string, paths: readonly Path[]): string | undefined {
  return paths.length === 0 ? body : keep(stored, body, paths);
}

/**
 * True if merging `patch` into an object would change none of the fields that `paths` name, whatever the object is: it has none of them, and replaces
 * nothing that may have them.
 */
export function leavesFields(patch: string, paths: readonly Path[]): boolean {
  if (paths.length === 0) return true;
  if (!isObject(patch)) return false;
  return readMembers(patch).every(({ key, valueText }) => {
    const inner = enter(paths, key);
    return inner !== WHOLE && leavesFields(valueText, inner);
  });
}

/** `stored`, `body` undefined: there is no such value. */
function keep(stored: string | undefined, body: string | undefined, paths: readonly Path[]): string | undefined {
  // A list keeps its hidden fields only as a whole: nothing says which new item is which old one.
  if (stored !== undefined && isArray(stored))
    return body === undefined || compact(body) === compact(removeFields(stored, paths)) ? stored : undefined;
  if (stored === undefined || !isObject(stored)) return body === undefined || hasFields(body, paths) ? undefined : body;
  if (body !== undefined && !isObject(body)) return undefined;
  return keepInObject(readMembers(stored), body === undefined ? [] : readMembers(body), paths);
}

function keepInObject(stored: readonly JsonMember[], body: readonly JsonMember[], paths: readonly Path[]): string | undefined {
  const members: Pick<JsonMember, "text">[] = [];
  for (const member of body) {
    const inner = enter(paths, member.key);
    if (inner === WHOLE) return undefined;
    const value = inner.length === 0 ? member.valueText : keep(findLast(stored, member.key), member.valueText, inner);
    if (value === undefined) return undefined;
    members.push(withValue(member, value));
  }
  const sent = new Set(body.map(({ key }) => key.normalize()));
  for (const member of stored) {
    const inner = enter(paths, member.key);
    if (inner !== WHOLE && (inner.length === 0 || sent.has(member.key.normalize()) || !isContainer(member.valueText))) continue;
    const value = inner === WHOLE ? member.valueText : keep(member.valueText, undefined, inner);
    if (value !== undefined) members.push(withValue(member, value));
  }
  return writeMembers(members);
}

/** The value itself is hidden. */
const WHOLE = Symbol("whole");

/** What is left of the paths that pass through a member or an item. Keys are compared in NFC, so that no spelling of a key escapes. */
function enter(paths: readonly Path[], key: string): readonly Path[] | typeof WHOLE {
  const name = key.normalize();
  const inner: Path[] = [];
  for (const [step, ...rest] of paths) {
    if (step === undefined || (typeof step === "string" && step.normalize() !== name)) continue;
    if (rest.length === 0) return WHOLE;
    inner.push(rest);
  }
  return inner;
}

function findLast(members: readonly JsonMember[], key: string): string | undefined {
  const name = key.normalize();
  return members.findLast((member) => member.key.normalize() === name)?.valueText;
}

function withValue({ text, valueText }: JsonMember, value: string): { text: string } {
  return { text: text.slice(0, text.length - valueText.length) + value };
}

function readItems(text: string): string[] {
  return Array.from(readJsonItems(text), (item) => item.text);
}

function areSame(left: readonly string[], right: readonly string[]): boolean {
  return left.every((text, index) => text === right[index]);
}

function isObject(text: string): boolean {
  return /^\s*\{/.test(text);
}

function isArray(text: string): boolean {
  return /^\s*\[/.test(text);
}

function isContainer(text: string): boolean {
  return isObject(text) || isArray(text);
}

/** Without the white space between tokens. */
function compact(text: string): string {
  return text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, "$1");
}
