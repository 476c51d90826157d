/** The unsaved changes of an endpoint's access, their problems, and saving. Changes stay until they are saved or discarded. */
"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import type { EndpointDetail } from "@/src/shared/management/schemas";
import { accessVersionsQuery, endpointQuery } from "../../api/queries";
import { requestJson } from "../../api/request";
import { RequestError } from "../../api/request-error";
import type { DraftDifference } from "../../forms/drafts/draft-conflict";
import { useDraft } from "../../forms/drafts/use-draft";
import { type Action, useAction } from "../../forms/use-action";
import { useDebounced } from "../../forms/use-debounced";
import { notify } from "../../notifications/notify";
import {
  ACCESS_FIELDS,
  type AccessField,
  type AccessProblems,
  type AccessTexts,
  findRuleProblems,
  listChanges,
  toAccessProblems,
  toFunctionInput,
  toRulesInput,
  toTexts,
} from "./access-texts";

/** Rules are checked after the user has stopped typing for this long. */
const CHECK_AFTER_MS = 500;

export interface AccessDraft {
  texts: AccessTexts;
  edit: (field: AccessField, text: string) => void;
  /** The fields with unsaved changes. */
  changed: readonly AccessField[];
  problems: AccessProblems;
  save: Action<void>;
  discard: () => void;
  /** When the changes were made, if they were restored. Milliseconds since 1970. */
  restoredAtMs: number | undefined;
  /** The fields that someone else has changed as well since. */
  conflicts: readonly DraftDifference[];
  /** Continues with the own changes of those fields. */
  keepMine: () => void;
  /** Shows the problems of the rules. Returns whether there are some. */
  showRuleProblems: () => boolean;
  /** Shows the problems of a response at their fields. Throws the error if it has none. */
  showProblems: (error: unknown) => void;
  /** Increased when the first problem should receive the focus. */
  attempts: number;
}

export function useAccessDraft(endpoint: EndpointDetail): AccessDraft {
  const client = useQueryClient();
  // Only what was typed here, so that the fields show what others save in the meantime.
  const kept = useDraft({ name: `access/${endpoint.id}`, parse: parseDraft });
  const draft = kept.value?.texts ?? NOTHING;
  const [shown, setShown] = useState<AccessProblems>({});
  const [attempts, setAttempts] = useState(0);
  const saved = toTexts(endpoint);
  const texts: AccessTexts = { ...saved, ...draft };
  const changed = listChanges(saved, texts);
  const settled = useDebounced(texts, CHECK_AFTER_MS);
  const problems: AccessProblems = { ...shown };
  const found = findRuleProblems(settled);
  for (const field of ACCESS_FIELDS) {
    const problem = found[field];
    // A problem of a text that has changed since is out of date.
    if (problem && settled[field] === texts[field]) problems[field] ??= problem;
  }

  const latest = useRef({ kept, draft });
  latest.current = { kept, draft };
  const keep = (next: Partial<AccessTexts>, stored: AccessTexts) => {
    const fields = ACCESS_FIELDS.filter((field) => next[field] !== undefined && next[field] !== stored[field]);
    if (fields.length === 0) return kept.clear();
    const base = latest.current.kept.value?.base ?? {};
    kept.set({ texts: pick(next, fields), base: { ...pick(stored, fields), ...pick(base, fields) } });
  };
  const conflicts = ACCESS_FIELDS.flatMap((field) => {
    const [before, mine, theirs] = [kept.value?.base[field], draft[field], saved[field]];
    if (before === undefined || mine === undefined || theirs === before || theirs === mine) return [];
    return [{ label: FIELD_LABELS[field], before, mine, theirs }];
  });
  const edit = (field: AccessField, text: string) => {
    keep({ ...latest.current.draft, [field]: text }, saved);
    setShown({ ...shown, rules: undefined, [field]: undefined });
  };
  const showProblems = (error: unknown) => {
    const found = error instanceof RequestError ? toAccessProblems(error.fields, texts) : {};
    if (Object.keys(found).length === 0) throw error;
    setShown(found);
    setAttempts((count) => count + 1);
  };
  const showRuleProblems = () => {
    const found = findRuleProblems(texts);
    setShown(found);
    const isInvalid = Object.keys(found).length > 0;
    if (isInvalid) setAttempts((count) => count + 1);
    return isInvalid;
  };
  const save = useAction(async () => {
    if (changed.length === 0 || showRuleProblems()) return;
    const body = {
      ...(changed.some((field) => field !== "accessFunction") ? { rules: toRulesInput(texts) } : {}),
      ...(changed.includes("accessFunction") ? { accessFunction: toFunctionInput(texts) } : {}),
    };
    try {
      const stored = await requestJson<EndpointDetail>(`endpoints/${endpoint.id}`, { method: "PATCH", body });
      client.setQueryData(endpointQuery(endpoint.id).queryKey, stored);
      // Text that was typed while the request ran is still unsaved.
      const { draft: current } = latest.current;
      const unsaved = ACCESS_FIELDS.filter((field) => current[field] !== undefined && current[field] !== texts[field]);
      kept.clear();
      if (unsaved.length > 0) kept.set({ texts: pick(current, unsaved), base: pick(toTexts(stored), unsaved) });
      void client.invalidateQueries({ queryKey: accessVersionsQuery(endpoint.id).queryKey });
      notify("Access saved. It applies to new requests and open streams.");
    } catch (error) {
      showProblems(error);
    }
  });
  const discard = () => {
    kept.clear();
    setShown({});
    save.reset();
  };
  const keepMine = () =>
    kept.set({
      texts: draft,
      base: pick(
        saved,
        ACCESS_FIELDS.filter((field) => draft[field] !== undefined),
      ),
    });
  const { restoredAtMs } = kept;
  return { texts, edit, changed, problems, save, discard, restoredAtMs, conflicts, keepMine, showRuleProblems, showProblems, attempts };
}

interface StoredDraft {
  texts: Partial<AccessTexts>;
  /** The texts that were stored when the fields were first changed. */
  base: Partial<AccessTexts>;
}

const NOTHING: Partial<AccessTexts> = {};

const FIELD_LABELS: Readonly<Record<AccessField, string>> = {
  read: "Read",
  create: "Create",
  update: "Update",
  delete: "Delete",
  hide: "Hidden fields",
  accessFunction: "Access function",
};

function pick(texts: Partial<AccessTexts>, fields: readonly AccessField[]): Partial<AccessTexts> {
  const picked: Partial<AccessTexts> = {};
  for (const field of fields) {
    const text = texts[field];
    if (text !== undefined) picked[field] = text;
  }
  return picked;
}

function parseDraft(value: unknown): StoredDraft | undefined {
  if (typeof value !== "object" || value === null || !("texts" in value) || !("base" in value)) return undefined;
  return { texts: parseTexts(value.texts), base: parseTexts(value.base) };
}

function parseTexts(value: unknown): Partial<AccessTexts> {
  if (typeof value !== "object" || value === null) return NOTHING;
  const texts: Partial<AccessTexts> = {};
  for (const field of ACCESS_FIELDS) {
    const text: unknown = Object.entries(value).find(([name]) => name === field)?.[1];
    if (typeof text === "string") texts[field] = text;
  }
  return texts;
}
