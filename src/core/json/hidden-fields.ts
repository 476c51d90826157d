/** Keeps the hidden fields of a JSON text when it is replaced (S7), so that digits and key order stay as sent. All texts must be valid JSON. */
import { type JsonMember, readMembers, writeMembers } from "@/src/core/json/members";
import { createRedaction } from "@/src/core/json/redact";
import { normalizeText } from "@/src/shared/text/fold-text";

/** The keys of members and the indexes of items that lead to a field. Arrays on the way are passed, as in core/json/redact.ts. */
type Path = readonly string[];

/** True if `text` has one of the fields. */
function hasFields(text: string, paths: readonly Path[]): boolean {
  return createRedaction(paths)(text) !== text;
}

/**
 * The text that replaces `stored` by `body`, with the fields of `stored` that `paths` name. Undefined: `body` would change one of them, or replace an object
 * or a list that may have them. Whether it is undefined depends only on `paths`, `body`, and what is left of `stored`.
 */
export function keepFields(stored: string, body: string, paths: readonly Path[]): string | undefined {
  return paths.length === 0 ? body : keep(stored, body, paths);
}

/**
 * True if merging `patch` into the object `stored` changes none of the fields that `paths` name: it has none of them, and replaces nothing that may have them.
 * An object that is merged into a list replaces the list. Whether it is true depends only on `paths`, `patch`, and what is left of `stored`.
 */
export function leavesFields(stored: string, patch: string, paths: readonly Path[]): boolean {
  if (paths.length === 0) return true;
  if (!isObject(patch) || isArray(stored)) return false;
  const members = isObject(stored) ? readMembers(stored) : [];
  return readMembers(patch).every(({ key, valueText }) => {
    const inner = enter(paths, key);
    if (inner === WHOLE) return false;
    // Of duplicates the last one is merged, and the others are lost.
    return inner.length === 0 || findAll(members, key).every((value) => leavesFields(value, valueText, inner));
  });
}

/** `stored`, `body` undefined: there is no such value. */
function keep(stored: string | undefined, body: string | undefined, paths: readonly Path[]): string | undefined {
  // A list keeps its hidden fields only as a whole: nothing says which new item is which old one.
  if (stored !== undefined && isArray(stored))
    return body === undefined || compact(body) === compact(createRedaction(paths)(stored)) ? stored : undefined;
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
  const sent = new Set(body.map(({ key }) => normalizeText(key)));
  for (const member of stored) {
    const inner = enter(paths, member.key);
    if (inner !== WHOLE && (inner.length === 0 || sent.has(normalizeText(member.key)) || !isContainer(member.valueText))) continue;
    const value = inner === WHOLE ? member.valueText : keep(member.valueText, undefined, inner);
    if (value !== undefined) members.push(withValue(member, value));
  }
  return writeMembers(members);
}

/** The value itself is hidden. */
const WHOLE = Symbol("whole");

/** The rest of the paths that pass through a member or an item. Keys are compared in NFC, so that no spelling of a key escapes. */
function enter(paths: readonly Path[], key: string): readonly Path[] | typeof WHOLE {
  const name = normalizeText(key);
  const inner: Path[] = [];
  for (const [step, ...rest] of paths) {
    if (step === undefined || normalizeText(step) !== name) continue;
    if (rest.length === 0) return WHOLE;
    inner.push(rest);
  }
  return inner;
}

function findLast(members: readonly JsonMember[], key: string): string | undefined {
  const name = normalizeText(key);
  return members.findLast((member) => normalizeText(member.key) === name)?.valueText;
}

/** The values of a key, in every normal form of it. If there is none, a value without members. */
function findAll(members: readonly JsonMember[], key: string): readonly string[] {
  const name = normalizeText(key);
  const found = members.filter((member) => normalizeText(member.key) === name).map(({ valueText }) => valueText);
  return found.length === 0 ? ["null"] : found;
}

function withValue({ text, valueText }: JsonMember, value: string): { text: string } {
  return { text: text.slice(0, text.length - valueText.length) + value };
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
