/** Parses changes of fields (G40) from the text of a request, so that the digits of their values stay as sent. */

import type { FieldEdit } from "@/src/core/json/edit-fields";
import { readJsonItems } from "@/src/core/json/items";
import { readMembers } from "@/src/core/json/members";
import { parseRecordBody } from "@/src/core/records/record-body";
import { AppError, isAppError } from "@/src/shared/errors";
import type { FieldChange } from "@/src/shared/management/record-edits";
import type { EndpointKind } from "@/src/shared/streams/protocol";
import { readFilterStep } from "@/src/shared/streams/record-filter";

const STEPS_MAX = 50;
const FIELD_HINT = 'Use a path, like user.name, tags[0], ["odd key"], or $ for the whole data.';
/** These are set for a user by requests of their own. */
const CREDENTIALS = new Set(["password", "currentPassword"]);

/**
 * The edits of checked changes. `changesText` is the JSON text of the same list. `at` is its place in the request, for the fields of problems. Throws
 * `fields_invalid`.
 */
export async function toFieldEdits(
  changes: readonly FieldChange[],
  { changesText, kind, at }: { changesText: string; kind: EndpointKind; at: string },
): Promise<FieldEdit[]> {
  const texts = [...readJsonItems(changesText)].map(({ text }) => readMembers(text));
  const edits: FieldEdit[] = [];
  for (const [index, change] of changes.entries()) {
    const place = `${at}.${index}`;
    const path = parseFieldPath(change.field);
    if (typeof path === "string") throw refuse(`${place}.field`, path);
    if (kind === "authentication" && CREDENTIALS.has(path[0] ?? ""))
      throw refuse(`${place}.field`, "Passwords are not fields. Set them one by one, with users/{uniqueId}/password.");
    const hasValue = Object.hasOwn(change, "value");
    if (hasValue === (change.remove === true)) throw refuse(place, "Send either a value, or remove with true.");
    if (!hasValue && path.length === 0) throw refuse(`${place}.field`, "The whole data cannot be removed. Delete the record instead.");
    const valueText = hasValue ? texts[index]?.findLast(({ key }) => key === "value")?.valueText : undefined;
    await requireStorable(path, valueText ?? "null", valueText === undefined ? `${place}.field` : `${place}.value`);
    edits.push({ path, valueText });
  }
  return edits;
}

/** The text of a member of a JSON object that is valid. Of duplicates the last one counts, as for `JSON.parse`. */
export function readMemberText(text: string, key: string): string {
  return readMembers(text).findLast((member) => member.key === key)?.valueText ?? "[]";
}

/** The keys of a path, or what is wrong with it. */
function parseFieldPath(text: string): string[] | string {
  const trimmed = text.trim();
  if (trimmed === "$") return [];
  const path: string[] = [];
  let rest = trimmed;
  while (rest !== "") {
    const [taken, step] = readFilterStep(rest, path.length === 0) ?? [];
    if (taken === undefined || step === undefined) {
      const column = trimmed.length - rest.length + 1;
      return path.length === 0 ? FIELD_HINT : `The path is not valid at column ${column}. ${FIELD_HINT}`;
    }
    path.push(step);
    rest = rest.slice(taken.length);
    if (path.length > STEPS_MAX) return `Use a path with at most ${STEPS_MAX} steps.`;
  }
  return path.length === 0 ? FIELD_HINT : path;
}

/** Checks the path and the value like the body of a record: depth, and characters that cannot be stored. */
async function requireStorable(path: readonly string[], valueText: string, field: string): Promise<void> {
  const text = path.reduceRight((inner, key) => `{${JSON.stringify(key)}:${inner}}`, valueText);
  try {
    await parseRecordBody({ kind: "json", bytes: Buffer.from(text) });
  } catch (error) {
    throw isAppError(error) ? refuse(field, error.message) : error;
  }
}

export function refuse(field: string, problem: string): AppError {
  return new AppError("fields_invalid", { detail: `${field}: ${problem}`, fields: { [field]: problem } });
}
