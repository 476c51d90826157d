/** Sets and removes fields of JSON values as texts, so that digits and key order stay as stored. The texts must be valid JSON. */
import { endOfValue, type JsonMember, readMembers, writeMembers } from "@/src/core/json/members";
import { closingQuote, skipSpace } from "@/src/core/json/text";

export interface FieldEdit {
  /** Keys and array indexes from the outside in. Empty: the whole value, which can be set but not removed. */
  path: readonly string[];
  /** JSON text. Undefined removes the field. */
  valueText: string | undefined;
}

export type EditedFields = { ok: true; text: string } | { ok: false; problem: string };

/**
 * Applies the edits in order. Objects that are missing on the way to a field are created. To set a field that exists keeps its position; a new one
 * follows the others. To remove a field that is missing changes nothing. Returns the same text if nothing changes. Fails if a value on the way is
 * not an object, and for an index that the array does not have; the index after the last item appends. Takes time linear in the text for each edit.
 */
export function editFields(text: string, edits: readonly FieldEdit[]): EditedFields {
  let edited = text;
  for (const { path, valueText } of edits) {
    const result = edit(edited, path, valueText);
    if (!result.ok) return result;
    edited = result.text;
  }
  return { ok: true, text: edited };
}

function edit(text: string, path: readonly string[], valueText: string | undefined): EditedFields {
  if (path.length === 0) return editAt(text, path, 0, valueText);
  const { start, end, depth } = findPart(text, 0, path, 0).part;
  const part = text.slice(start, end);
  const edited = editAt(part, path, depth, valueText);
  if (!edited.ok || edited.text === part) return edited.ok ? { ok: true, text } : edited;
  return { ok: true, text: text.slice(0, start) + edited.text + text.slice(end) };
}

/** A part of the text, and the step of the path that is to be found in it. */
interface Part {
  start: number;
  end: number;
  depth: number;
}

/** Where the value ends, and the innermost value on the path that has to be changed. */
interface Found {
  part: Part;
  end: number;
}

/** Looks from the value at `start` inwards. Each character is read once, however deep the path is. */
function findPart(text: string, start: number, path: readonly string[], depth: number): Found {
  const isLast = depth >= path.length - 1;
  if (!isLast && text[start] === "{") return findInMembers(text, start, path, depth);
  if (!isLast && text[start] === "[") return findInItems(text, start, path, depth);
  const end = endOfValue(text, start);
  return { part: { start, end, depth }, end };
}

function findInMembers(text: string, start: number, path: readonly string[], depth: number): Found {
  const key = path[depth];
  let part: Part | undefined;
  let at = skipSpace(text, start + 1);
  while (at < text.length && text[at] !== "}") {
    const keyEnd = closingQuote(text, at) + 1;
    const valueStart = skipSpace(text, text.indexOf(":", keyEnd) + 1);
    const keyText = text.slice(at, keyEnd);
    const isFound = (keyText.includes("\\") ? JSON.parse(keyText) : keyText.slice(1, -1)) === key;
    // Of duplicate keys the last one counts.
    if (isFound) ({ part, end: at } = findPart(text, valueStart, path, depth + 1));
    else at = endOfValue(text, valueStart);
    at = skipSeparator(text, at);
  }
  return { part: part ?? { start, end: at + 1, depth }, end: at + 1 };
}

function findInItems(text: string, start: number, path: readonly string[], depth: number): Found {
  const index = toIndex(path[depth]);
  let part: Part | undefined;
  let at = skipSpace(text, start + 1);
  for (let number = 0; at < text.length && text[at] !== "]"; number += 1) {
    if (number === index) ({ part, end: at } = findPart(text, at, path, depth + 1));
    else at = endOfValue(text, at);
    at = skipSeparator(text, at);
  }
  return { part: part ?? { start, end: at + 1, depth }, end: at + 1 };
}

/** The next member or item, or the end of the object or array. */
function skipSeparator(text: string, from: number): number {
  const at = skipSpace(text, from);
  return text[at] === "," ? skipSpace(text, at + 1) : at;
}

function editAt(text: string, path: readonly string[], depth: number, valueText: string | undefined): EditedFields {
  const key = path[depth];
  if (key === undefined) return valueText === undefined ? fail("The whole value cannot be removed.") : { ok: true, text: valueText };
  if (text.startsWith("{")) return editMember(text, path, depth, valueText);
  if (text.startsWith("[")) return editItem(text, path, depth, valueText);
  return fail(`${toPlace(path, depth)} is not an object.`);
}

function editMember(text: string, path: readonly string[], depth: number, valueText: string | undefined): EditedFields {
  const key = path[depth];
  const members = readMembers(text);
  // Of duplicate keys the last one counts.
  const at = members.findLastIndex((member) => member.key === key);
  const member = members[at];
  if (valueText === undefined && depth === path.length - 1)
    return { ok: true, text: member ? writeMembers(members.filter((each) => each.key !== key)) : text };
  if (!member) return { ok: true, text: valueText === undefined ? text : writeMembers([...members, toMember(path, depth, valueText)]) };
  const inner = editAt(member.valueText, path, depth + 1, valueText);
  if (!inner.ok || inner.text === member.valueText) return inner.ok ? { ok: true, text } : inner;
  const keyText = member.text.slice(0, member.text.length - member.valueText.length);
  return { ok: true, text: writeMembers(members.with(at, { ...member, text: keyText + inner.text })) };
}

/** A member with the objects that lead to the value. */
function toMember(path: readonly string[], depth: number, valueText: string): Pick<JsonMember, "text"> & JsonMember {
  const value = path.slice(depth + 1).reduceRight((inner, key) => `{${JSON.stringify(key)}:${inner}}`, valueText);
  const key = path[depth] ?? "";
  return { key, text: `${JSON.stringify(key)}:${value}`, valueText: value };
}

function editItem(text: string, path: readonly string[], depth: number, valueText: string | undefined): EditedFields {
  const key = path[depth] ?? "";
  const items = readItems(text);
  const isLast = depth === path.length - 1;
  const index = toIndex(key);
  const item = items[index];
  if (item === undefined) {
    if (valueText === undefined) return { ok: true, text };
    if (index === items.length && isLast) return { ok: true, text: toArray([...items, valueText]) };
    return fail(`${toPlace(path, depth)} is an array of ${items.length}, which has no item ${JSON.stringify(key)}.`);
  }
  if (valueText === undefined && isLast) return { ok: true, text: toArray(items.toSpliced(index, 1)) };
  const inner = editAt(item, path, depth + 1, valueText);
  if (!inner.ok || inner.text === item) return inner.ok ? { ok: true, text } : inner;
  return { ok: true, text: toArray(items.with(index, inner.text)) };
}

function toIndex(key = ""): number {
  return /^(?:0|[1-9]\d{0,8})$/.test(key) ? Number(key) : Number.POSITIVE_INFINITY;
}

/** Faster than readJsonItems, because the text is known to be valid. */
function readItems(text: string): string[] {
  const items: string[] = [];
  for (let at = skipSpace(text, 1); at < text.length && text[at] !== "]"; ) {
    const end = endOfValue(text, at);
    items.push(text.slice(at, end));
    at = skipSeparator(text, end);
  }
  return items;
}

function toArray(items: readonly string[]): string {
  return `[${items.join(",")}]`;
}

/** The part of the path that leads to a value, for messages. */
function toPlace(path: readonly string[], depth: number): string {
  return depth === 0 ? "The data" : `The value of ${path.slice(0, depth).join(".")}`;
}

function fail(problem: string): EditedFields {
  return { ok: false, problem };
}
