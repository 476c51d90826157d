/** The data of a user: shown, and edited as JSON. */
"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import type { GridRow } from "../api/record-rows";
import { recordQuery } from "../api/records";
import { Button } from "../components/button";
import { ProblemPanel } from "../components/page/problem-panel";
import { Skeleton } from "../components/page/skeleton";
import { parseStored } from "../json/json-tree";
import { JsonView } from "../json/json-view";
import { useRecordDraft } from "../records/panel/record-drafts";

const RecordEditor = lazy(async () => ({ default: (await import("../records/panel/record-editor")).RecordEditor }));

interface Props {
  endpointId: string;
  userId: string;
  onChanged: () => Promise<unknown>;
  /** The user was deleted by somebody else. */
  onGone: () => void;
}

export function UserData({ endpointId, userId, onChanged, onGone }: Props) {
  const client = useQueryClient();
  const query = recordQuery(endpointId, userId);
  const { data: record, error, refetch } = useQuery(query);
  // With a password, so it is not stored in the browser.
  const kept = useRecordDraft({ endpointId, id: userId, isSecret: true });
  const [opened, setEditing] = useState<GridRow>();
  const editing = opened ?? kept.value?.base;
  const settle = (saved: GridRow) => {
    client.setQueryData(query.queryKey, saved);
    setEditing(undefined);
    void onChanged();
  };
  return (
    <section className="flex flex-col gap-2">
      <div className="flex min-h-control flex-wrap items-center justify-between gap-x-4">
        <h3 className="font-semibold">Data</h3>
        {record && !editing ? <Button onClick={() => setEditing(record)}>Edit data</Button> : null}
      </div>
      {editing ? (
        <Suspense fallback={<Skeleton height={240} />}>
          <RecordEditor
            endpointId={endpointId}
            record={editing}
            kept={kept}
            hint="Fields that access rules can use, such as roles. A password that you enter here is set for the user, and never stored in the data."
            note={null}
            onDirty={() => undefined}
            onSaved={settle}
            onLeave={(latest) => (latest === null ? onGone() : latest ? settle(latest) : setEditing(undefined))}
            onCreated={onGone}
          />
        </Suspense>
      ) : record ? (
        <div className="max-h-64 overflow-y-auto rounded-md border border-line px-3 py-2">
          <JsonView node={parseStored(record.data)} />
        </div>
      ) : error ? (
        <ProblemPanel what="Couldn’t load the data." error={error} onRetry={refetch} />
      ) : (
        <Skeleton height={60} />
      )}
    </section>
  );
}
