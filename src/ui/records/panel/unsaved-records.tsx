/** Lists the records with unsaved changes, to continue where they were left. */
"use client";

import { Button } from "../../components/button";
import { formatPlural } from "../../format/format-number";
import { useDraftNames } from "../../forms/drafts/use-draft";
import { toNewRecordDraft, toRecordDrafts } from "./record-drafts";

const LISTED_MAX = 5;

interface Props {
  endpointId: string;
  onOpen: (id: string) => void;
  onCompose: () => void;
}

export function UnsavedRecords({ endpointId, onOpen, onCompose }: Props) {
  const ids = useDraftNames(toRecordDrafts(endpointId));
  const hasNew = useDraftNames(toNewRecordDraft(endpointId)).length > 0;
  if (ids.length === 0 && !hasNew) return null;
  return (
    <section aria-label="Unsaved changes" className="flex flex-wrap items-center gap-x-2 gap-y-1 border-b border-line px-4 py-1">
      <p className="text-warn">You have unsaved changes:</p>
      {hasNew ? (
        <Button tone="quiet" onClick={onCompose}>
          new {ids.length === 0 ? "record" : "record,"}
        </Button>
      ) : null}
      {ids.slice(0, LISTED_MAX).map((id) => (
        <Button key={id} tone="quiet" onClick={() => onOpen(id)}>
          <span className="font-mono text-data">…{id.slice(-8)}</span>
        </Button>
      ))}
      {ids.length > LISTED_MAX ? <p className="text-muted">and {formatPlural(ids.length - LISTED_MAX, "other", "others")}</p> : null}
    </section>
  );
}
