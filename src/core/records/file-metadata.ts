/** The text fields of a file's record (F1, F4): what a change of them may be. It must not touch what is said of the file itself. */
import { mergeJsonObjects } from "@/src/core/json/merge";
import { AppError } from "@/src/shared/errors";

const DETAIL = 'Of a file only the metadata can be merged: send {"metadata":{…}} with texts, or lists of texts, by name.';

/** The data of a file's record with the fields of `patch` merged in; both JSON texts of objects. Raises `merge_needs_objects`. */
export async function mergeMetadata(data: string, patch: string): Promise<string> {
  const sent: unknown = JSON.parse(patch);
  const [[name, metadata] = [], ...others] = isObject(sent) ? Object.entries(sent) : [];
  if (name !== "metadata" || others.length > 0 || !isMetadata(metadata)) throw new AppError("merge_needs_objects", { detail: DETAIL });
  return mergeJsonObjects(data, patch);
}

function isMetadata(value: unknown): boolean {
  return isObject(value) && Object.values(value).every((field) => isText(field) || (Array.isArray(field) && field.every(isText)));
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
