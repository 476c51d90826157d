/** The unsaved changes of an endpoint's access, their problems, and saving. Changes stay until they are saved or discarded. */
"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { EndpointDetail } from "@/src/shared/management/schemas";
import { accessVersionsQuery, endpointQuery } from "../../api/queries";
import { requestJson } from "../../api/request";
import { RequestError } from "../../api/request-error";
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
  const [draft, setDraft] = useState<Partial<AccessTexts>>({});
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

  const edit = (field: AccessField, text: string) => {
    setDraft((current) => ({ ...current, [field]: text }));
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
      setDraft((current) => {
        const rest = { ...current };
        for (const field of ACCESS_FIELDS) if (rest[field] === texts[field]) delete rest[field];
        return rest;
      });
      void client.invalidateQueries({ queryKey: accessVersionsQuery(endpoint.id).queryKey });
      notify("Access saved. It applies to new requests and open streams.");
    } catch (error) {
      showProblems(error);
    }
  });
  const discard = () => {
    setDraft({});
    setShown({});
    save.reset();
  };
  return { texts, edit, changed, problems, save, discard, showRuleProblems, showProblems, attempts };
}
