/** The composer's request, which survives navigation and reloads. */
"use client";

import { type Draft as Kept, useDraft } from "../../forms/drafts/use-draft";
import { type Draft, METHODS, STRATEGIES } from "./send-record";

/** `isSecret`: at authentication endpoints, whose bodies contain passwords. */
export function useComposerDraft(endpointId: string, isSecret: boolean): Kept<Draft> {
  return useDraft({ name: `composer/${endpointId}`, parse: parseDraft, isSecret });
}

function parseDraft(value: unknown): Draft | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const parts = new Map<string, unknown>(Object.entries(value));
  const method = METHODS.find((each) => each === parts.get("method"));
  const strategy = STRATEGIES.find((each) => each === parts.get("strategy"));
  const [recordId, body, format] = [parts.get("recordId"), parts.get("body"), parts.get("format")];
  if (!method || !strategy || typeof recordId !== "string" || typeof body !== "string") return undefined;
  return { method, strategy, recordId, body, format: format === "text" ? "text" : "json" };
}
