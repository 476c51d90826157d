/** The notes about a form's unsaved changes: that they were restored, or that someone else has changed the same fields. */
"use client";

import { DraftConflict } from "./draft-conflict";
import { DraftNote } from "./draft-note";
import type { FormDraft } from "./use-form-draft";

/** `what`: as in “Someone else changed {what}”. */
export function FormDraftNote({ draft, what }: { draft: FormDraft; what: string }) {
  if (draft.differences.length > 0)
    return <DraftConflict what={what} differences={draft.differences} onKeepMine={draft.keepMine} onTakeTheirs={draft.discard} />;
  return <DraftNote restoredAtMs={draft.restoredAtMs} onDiscard={draft.discard} />;
}
