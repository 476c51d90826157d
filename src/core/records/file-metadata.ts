/** Merges changes into the text fields of a file's record (F1, F4). The description of the file itself cannot be changed. */
import { mergeJsonObjects } from "@/src/core/json/merge";
import type { MaybePromise } from "@/src/core/maybe-promise";
import { AppError } from "@/src/shared/errors";

const DETAIL = 'Only the metadata of a file can be merged. Send {"metadata":{…}} with strings or lists of strings as values.';

/**
 * Merges `patch` into the data of a file's record. Both are JSON texts of objects. Throws `merge_needs_objects` if the patch contains anything but
 * metadata.
 */
export function mergeMetadata(data: string, patch: string): MaybePromise<string> {
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
