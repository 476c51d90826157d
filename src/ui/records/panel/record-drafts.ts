/** The unsaved changes of records: where they are kept, and their form. */
"use client";

import type { GridRow } from "../../api/record-rows";
import { type Draft, useDraft } from "../../forms/drafts/use-draft";

/** An edit of a record. */
export interface RecordEdit {
  text: string;
  /** The record that the text was made from. Its version is the condition for saving. */
  base: GridRow;
}

/** Names the drafts of the records of an endpoint, followed by the id of the record. */
export const toRecordDrafts = (endpointId: string) => `record/${endpointId}/`;
/** Names the draft of a new record. */
export const toNewRecordDraft = (endpointId: string) => `new-record/${endpointId}`;

/** `isSecret`: at authentication endpoints, whose records are edited with a password. */
export function useRecordDraft({ endpointId, id, isSecret }: { endpointId: string; id: string; isSecret: boolean }): Draft<RecordEdit> {
  return useDraft({ name: `${toRecordDrafts(endpointId)}${id}`, parse: parseEdit, isSecret });
}

export interface NewRecord {
  format: "json" | "text";
  text: string;
}

export function useNewRecordDraft(endpointId: string, isSecret: boolean): Draft<NewRecord> {
  return useDraft({ name: toNewRecordDraft(endpointId), parse: parseNew, isSecret });
}

function parseNew(value: unknown): NewRecord | undefined {
  if (typeof value !== "object" || value === null || !("text" in value) || !("format" in value)) return undefined;
  const { text, format } = value;
  return typeof text === "string" && (format === "json" || format === "text") ? { text, format } : undefined;
}

function parseEdit(value: unknown): RecordEdit | undefined {
  if (typeof value !== "object" || value === null || !("text" in value) || !("base" in value)) return undefined;
  const { text, base } = value;
  return typeof text === "string" && isRow(base) ? { text, base } : undefined;
}

function isRow(value: unknown): value is GridRow {
  if (typeof value !== "object" || value === null) return false;
  const isText = (name: string) => typeof Object.entries(value).find(([key]) => key === name)?.[1] === "string";
  const hasVersion = "version" in value && typeof value.version === "number";
  return hasVersion && ["id", "data", "contentType", "createdAt", "updatedAt"].every(isText);
}
