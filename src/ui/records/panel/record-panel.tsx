/** Shows and edits one record. Beside the grid, or over it on narrow screens. */
"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Pencil, Trash2, X } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import type { GridRow } from "../../api/record-rows";
import { recordQuery, viewedRecordQuery } from "../../api/records";
import { RequestError } from "../../api/request-error";
import { Badge } from "../../components/badge";
import { Button } from "../../components/button";
import { CopyButton } from "../../components/copy-button";
import { ProblemPanel } from "../../components/page/problem-panel";
import { Skeleton } from "../../components/page/skeleton";
import { formatBytes } from "../../format/format-number";
import { formatAbsolute } from "../../format/format-time";
import { toPrettyText } from "../../json/json-print";
import { parseStored } from "../../json/json-tree";
import { JsonView } from "../../json/json-view";
import { readFileFacts } from "../transfer/file-requests";
import { FileView } from "./file-view";
import { useRecordDraft } from "./record-drafts";
import { RecordEditor } from "./record-editor";

interface Props {
  endpointId: string;
  id: string;
  /** The row of the grid, if the record is loaded there. Shown until the record itself has been read. */
  row: GridRow | undefined;
  editHint: string | undefined;
  /** The record can be deleted, but not edited. */
  isReadOnly: boolean;
  /** Whose view it is: it is read only then. Undefined: the owner's. */
  viewAs: string | undefined;
  /** The text can contain a password. */
  isSecret: boolean;
  onDirty: (dirty: boolean) => void;
  onChanged: (record: GridRow) => void;
  onDeleted: (id: string) => void;
  onCreated: (id: string) => void;
  onDelete: (id: string) => void;
  onClose: () => void;
}

export function RecordPanel({ viewAs, ...props }: Props) {
  return viewAs === undefined ? <OwnPanel {...props} /> : <ViewedPanel {...props} viewAs={viewAs} />;
}

/** The record as a user reads it. */
function ViewedPanel({ endpointId, id, row, viewAs, onClose }: Props & { viewAs: string }) {
  const { data, error, refetch } = useQuery(viewedRecordQuery(endpointId, id, viewAs));
  const record = data === undefined ? row : data;
  return (
    <section aria-label="Record" className="flex h-full min-h-0 flex-col bg-surface">
      <Header id={id} onClose={onClose} />
      <div className="min-h-0 flex-1 overflow-y-auto px-4 py-3">
        {record ? (
          <Content endpointId={endpointId} record={record} />
        ) : error ? (
          <ProblemPanel what="Couldn’t load the record." error={error} onRetry={() => void refetch()} />
        ) : record === null ? (
          <p className="text-muted">This record can’t be read in this view, or it doesn’t exist.</p>
        ) : (
          <Skeleton height={120} />
        )}
      </div>
      {record ? <Facts record={record} /> : null}
    </section>
  );
}

function Header({ id, onClose, badge, children }: { id: string; onClose: () => void; badge?: ReactNode; children?: ReactNode }) {
  return (
    <header className="flex h-12 shrink-0 items-center gap-1 border-b border-line pr-2 pl-4">
      <h2 className="flex min-w-0 flex-1 items-center gap-2 font-medium">
        <span className="truncate font-mono text-data">{id}</span>
        <CopyButton text={id} what="the record’s ID" />
        {badge}
      </h2>
      {children}
      <Button tone="quiet" square aria-label="Close record" title="Close (Esc)" onClick={onClose} data-close="">
        <X className="size-4" aria-hidden="true" />
      </Button>
    </header>
  );
}

function OwnPanel({ endpointId, id, row, ...props }: Omit<Props, "viewAs">) {
  const client = useQueryClient();
  const options = recordQuery(endpointId, id);
  const { data, error, refetch } = useQuery(options);
  const kept = useRecordDraft({ endpointId, id, isSecret: props.isSecret });
  const [opened, setEditing] = useState<GridRow>();
  const editing = opened ?? kept.value?.base;
  const rowData = row?.data;
  const rowMark = row?.mark;
  const isBehind = data !== undefined && rowMark !== undefined && (rowMark === "deleted" || rowData !== data.data);
  // Reads the changed record, so that the next edit is based on its version.
  useEffect(() => {
    if (isBehind && rowMark === "changed") void refetch();
  }, [isBehind, rowMark, refetch]);

  const record = data ?? row;
  const isDeleted = row?.mark === "deleted" || (error instanceof RequestError && error.code === "record_not_found");
  const root = useRef<HTMLElement>(null);
  // Moves the focus into the editor, and back.
  const focusSoon = (selector: string) => requestAnimationFrame(() => root.current?.querySelector<HTMLElement>(selector)?.focus());
  const edit = (current: GridRow) => {
    setEditing(current);
    focusSoon("textarea,[contenteditable=true]");
  };
  const leave = (latest?: GridRow | null) => {
    setEditing(undefined);
    // Without the button to edit, while the record is being read, the one to close.
    focusSoon("[data-edit],[data-close]");
    props.onDirty(false);
    if (latest === null) props.onDeleted(id);
    else if (latest) settle(latest);
  };
  const settle = (saved: GridRow) => {
    client.setQueryData(options.queryKey, saved);
    props.onChanged(saved);
  };
  return (
    <section ref={root} aria-label="Record" className="flex h-full min-h-0 flex-col bg-surface">
      <Header id={id} onClose={props.onClose} badge={isDeleted ? <Badge tone="danger">Deleted</Badge> : null}>
        {isDeleted || editing || !data || data.contentType === "file" || props.isReadOnly ? null : (
          <Button tone="quiet" square aria-label="Edit this record" title="Edit this record" onClick={() => edit(data)} data-edit="">
            <Pencil className="size-3.5" aria-hidden="true" />
          </Button>
        )}
        {isDeleted || editing ? null : (
          <Button tone="quiet" square aria-label="Delete this record" title="Delete this record" onClick={() => props.onDelete(id)}>
            <Trash2 className="size-3.5" aria-hidden="true" />
          </Button>
        )}
      </Header>
      <div className="min-h-0 flex-1 overflow-y-auto px-4 py-3">
        {editing ? (
          <RecordEditor
            key={id}
            endpointId={endpointId}
            record={editing}
            kept={kept}
            note={isDeleted || record?.data !== editing.data ? <ChangedNote deleted={isDeleted} /> : null}
            hint={props.editHint}
            onDirty={props.onDirty}
            onSaved={(saved) => {
              settle(saved);
              leave();
            }}
            onLeave={leave}
            onCreated={(created) => {
              leave();
              props.onCreated(created);
            }}
          />
        ) : record ? (
          <Content endpointId={endpointId} record={record} />
        ) : error && !isDeleted ? (
          <ProblemPanel what="Couldn’t load the record." error={error} onRetry={() => void refetch()} />
        ) : isDeleted ? (
          <p className="text-muted">This record no longer exists.</p>
        ) : (
          <Skeleton height={120} />
        )}
      </div>
      {record ? <Facts record={record} /> : null}
    </section>
  );
}

function ChangedNote({ deleted }: { deleted: boolean }) {
  return (
    <p role="status" className="rounded-md border border-line-firm px-3 py-2 text-warn">
      {deleted ? "Someone else deleted this record." : "Someone else changed this record."}{" "}
      <span className="text-muted">Save to see both versions side by side.</span>
    </p>
  );
}

function Content({ endpointId, record }: { endpointId: string; record: GridRow }) {
  const node = parseStored(record.data);
  return (
    <div className="flex flex-col gap-3">
      {record.contentType === "file" ? <FileView endpointId={endpointId} record={record} /> : null}
      <div className="flex justify-end">
        <CopyButton text={() => toPrettyText(node)} what="the JSON">
          Copy
        </CopyButton>
      </div>
      <JsonView key={record.id} node={node} />
    </div>
  );
}

const KINDS = { json: "JSON", text: "Text", file: "File" };

function Facts({ record }: { record: GridRow }) {
  return (
    <dl className="grid shrink-0 grid-cols-[4.5rem_minmax(0,1fr)] gap-x-3 border-t border-line px-4 py-2.5 text-data leading-5">
      <Fact term="Created">
        <time dateTime={record.createdAt}>{formatAbsolute(record.createdAt)}</time>
      </Fact>
      <Fact term="Updated">
        <time dateTime={record.updatedAt}>{formatAbsolute(record.updatedAt)}</time>
      </Fact>
      <Fact term="Kind">
        {KINDS[record.contentType]}, {formatBytes(toBytes(record))}
      </Fact>
      <Fact term="Owner">
        {record.owner === null ? (
          <span className="text-muted">None</span>
        ) : (
          <>
            <span className="font-mono wrap-anywhere">{record.owner}</span> <CopyButton text={record.owner} what="the owner’s ID" />
          </>
        )}
      </Fact>
    </dl>
  );
}

/** The size of the file or, for other records, of the data. */
function toBytes(record: GridRow): number {
  return record.contentType === "file" ? readFileFacts(record).size : new TextEncoder().encode(record.data).length;
}

function Fact({ term, children }: { term: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-muted">{term}</dt>
      <dd className="flex min-w-0 items-center gap-1">{children}</dd>
    </>
  );
}
