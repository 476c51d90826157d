/** The detail of one change: differences, JSON, text, delivery. Beside the list, or over it on narrow screens. */
"use client";

import { Link2, ListFilter, Pencil, Trash2, X } from "lucide-react";
import { lazy, memo, type ReactNode, type RefObject, Suspense, useMemo, useState } from "react";
import { Button } from "../../components/button";
import { CopyButton } from "../../components/copy-button";
import { Spinner } from "../../components/spinner";
import { TabList, tabPanel, useTabs } from "../../components/tabs";
import { formatBytes } from "../../format/format-number";
import { formatClock, formatDate } from "../../format/format-time";
import { toPrettyText } from "../../json/json-print";
import { type JsonNode, parseStored } from "../../json/json-tree";
import { JsonView } from "../../json/json-view";
import { useValueMenu } from "../../json/value-menu";
import { OPERATION_STYLES } from "../../stream/operations";
import type { StreamEvent } from "../../stream/stream-event";
import { toMessageText } from "../../stream/stream-message";
import type { Detail } from "../engine/console-client";
import type { PreviousVersion } from "../engine/console-messages";
import type { FilterActions } from "../filter-actions";
import type { Pins } from "../list/use-pins";
import { toTooltip } from "../shortcuts";
import { ChangesView } from "./changes-view";
import type { DetailTab } from "./detail-tabs";
import type { StepVersion } from "./history-view";
import { toValueActions } from "./value-actions";

const TABS = [
  { value: "changes", label: "Changes", title: toTooltip("tab-changes") },
  { value: "json", label: "JSON", title: toTooltip("tab-json") },
  { value: "raw", label: "Raw", title: toTooltip("tab-raw") },
  { value: "history", label: "History", title: toTooltip("tab-history") },
  { value: "delivery", label: "Delivery", title: toTooltip("tab-delivery") },
] as const;

/** Only the start of longer texts is shown at first, because the browser takes long to lay out megabytes. */
const RAW_LENGTH_MAX = 100_000;

const HistoryView = lazy(async () => ({ default: (await import("./history-view")).HistoryView }));
const DeliveryView = lazy(async () => ({ default: (await import("./delivery-view")).DeliveryView }));

interface Props {
  endpointId: string;
  detail: Detail | undefined;
  tab: DetailTab;
  onTab: (tab: DetailTab) => void;
  filterActions: FilterActions;
  /** Copies the address of the change. */
  onCopyLink: (event: StreamEvent) => void;
  onClose: () => void;
  pins: Pins;
  /** False if versions of this endpoint's records cannot be written back. */
  canRestore: boolean;
  /** Set to the function that steps through the versions of the record while they are shown. */
  stepVersionRef: RefObject<StepVersion | undefined>;
  /** Undefined if the records of this endpoint cannot be written here. */
  onEdit: ((event: StreamEvent) => void) | undefined;
  onDelete: ((event: StreamEvent) => void) | undefined;
}

export function DetailPanel({ detail, ...props }: Props) {
  return (
    <section aria-label="Details" className="flex h-full min-h-0 flex-col bg-surface">
      {detail?.event ? (
        <Content {...props} event={detail.event} previous={detail.previous} />
      ) : (
        <div className="flex h-12 items-center justify-between border-b border-line pr-2 pl-4 text-muted">
          {detail ? "This change has left the console’s buffer." : <Spinner />}
          <CloseButton onClose={props.onClose} />
        </div>
      )}
    </section>
  );
}

function Content({
  endpointId,
  event,
  previous,
  tab,
  onTab,
  filterActions,
  onCopyLink,
  onClose,
  pins,
  canRestore,
  stepVersionRef,
  onEdit,
  onDelete,
}: Omit<Props, "detail"> & { event: StreamEvent; previous: PreviousVersion }) {
  const node = useMemo(() => parseStored(event.data), [event.data]);
  const tabs = useTabs(tab);
  const { menu, onValue } = useValueMenu(toValueActions(filterActions, pins));
  const isDeleted = event.kind === "delete";
  return (
    <>
      <header className="flex h-12 shrink-0 items-center gap-1 border-b border-line pr-2 pl-4">
        <h2 className="flex min-w-0 flex-1 items-baseline gap-2 font-medium">
          <OperationTitle event={event} />
          <span className="text-muted">seq {event.seq}</span>
        </h2>
        <Button tone="quiet" square aria-label="Copy link" title="Copy a link to this change" onClick={() => onCopyLink(event)}>
          <Link2 className="size-3.5" aria-hidden="true" />
        </Button>
        <CopyButton text={() => toPrettyText(node)} what="the JSON" />
        {isDeleted || !onEdit || !onDelete ? null : (
          <>
            <Button tone="quiet" square aria-label="Edit this record" title="Edit this record" onClick={() => onEdit(event)}>
              <Pencil className="size-3.5" aria-hidden="true" />
            </Button>
            <Button tone="quiet" square aria-label="Delete this record" title="Delete this record" onClick={() => onDelete(event)}>
              <Trash2 className="size-3.5" aria-hidden="true" />
            </Button>
          </>
        )}
        <CloseButton onClose={onClose} />
      </header>
      <div className="shrink-0 border-b border-line px-2">
        <TabList state={tabs} label="View" variant="line" tabs={TABS} onChange={onTab} />
      </div>
      <div {...tabPanel(tabs)} className="min-h-0 flex-1 overflow-y-auto px-4 py-3 focus-visible:-outline-offset-2">
        {tab === "changes" ? <ChangesView event={event} node={node} previous={previous} onValue={onValue} /> : null}
        {tab === "json" ? <JsonView node={node} onValue={onValue} /> : null}
        {tab === "raw" ? <Raw event={event} /> : null}
        {tab === "history" ? (
          <Suspense fallback={null}>
            <HistoryView endpointId={endpointId} event={event} canRestore={canRestore} stepRef={stepVersionRef} />
          </Suspense>
        ) : null}
        {tab === "delivery" ? (
          <Suspense fallback={null}>
            <DeliveryView endpointId={endpointId} event={event} />
          </Suspense>
        ) : null}
      </div>
      <Facts event={event} onOnlyRecord={filterActions.addRecord} />
      {menu}
    </>
  );
}

function OperationTitle({ event: { kind } }: { event: StreamEvent }) {
  if (kind !== "create" && kind !== "update" && kind !== "delete") return null;
  const { glyph, colour } = OPERATION_STYLES[kind];
  return (
    <span className={`font-mono text-data ${colour}`}>
      <span aria-hidden="true">{glyph}</span> {kind}
    </span>
  );
}

function CloseButton({ onClose }: { onClose: () => void }) {
  return (
    <Button tone="quiet" square aria-label="Close details" title={toTooltip("close")} onClick={onClose}>
      <X className="size-4" aria-hidden="true" />
    </Button>
  );
}

const Raw = memo(function Raw({ event }: { event: StreamEvent }) {
  const [showsAll, setShowsAll] = useState(false);
  const text = toMessageText(event) ?? event.data;
  const isCut = !showsAll && text.length > RAW_LENGTH_MAX;
  return (
    <div className="flex flex-col items-start gap-2">
      <pre className="w-full font-mono text-data leading-5 wrap-anywhere whitespace-pre-wrap">
        {isCut ? `${text.slice(0, RAW_LENGTH_MAX)}…` : text}
      </pre>
      {isCut ? <Button onClick={() => setShowsAll(true)}>Show all {formatBytes(new TextEncoder().encode(text).length)}</Button> : null}
    </div>
  );
});

const Facts = memo(function Facts({ event, onOnlyRecord }: { event: StreamEvent; onOnlyRecord: (recordId: string) => void }) {
  return (
    <dl className="grid shrink-0 grid-cols-[4.5rem_minmax(0,1fr)] gap-x-3 border-t border-line px-4 py-2.5 text-data leading-5">
      <Fact term="Record">
        <span className="font-mono wrap-anywhere">{event.recordId}</span> <CopyButton text={event.recordId} what="the record’s ID" />
        <Button
          tone="quiet"
          square
          aria-label="Show only this record"
          title="Show only this record"
          onClick={() => onOnlyRecord(event.recordId)}
        >
          <ListFilter className="size-3.5" aria-hidden="true" />
        </Button>
      </Fact>
      <Fact term="Created">
        <Time ms={event.createdMs} />
      </Fact>
      {event.kind === "delete" ? (
        <Fact term="Deleted">
          <Time ms={event.atMs} />
        </Fact>
      ) : event.updatedMs === event.createdMs ? null : (
        <Fact term="Updated">
          <Time ms={event.updatedMs} />
        </Fact>
      )}
      <Fact term="Size">{formatBytes(new TextEncoder().encode(event.data).length)}</Fact>
    </dl>
  );
});

function Fact({ term, children }: { term: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-muted">{term}</dt>
      <dd className="flex min-w-0 items-center gap-1">{children}</dd>
    </>
  );
}

function Time({ ms }: { ms: number }) {
  const iso = new Date(ms).toISOString();
  return (
    <time dateTime={iso} title={iso}>
      {formatDate(iso)}, <span className="font-mono">{formatClock(ms)}</span>
    </time>
  );
}

/** The text that the shortcut for “Copy JSON” copies. */
export function toCopyText(event: StreamEvent): string {
  const node: JsonNode = parseStored(event.data);
  return toPrettyText(node);
}
