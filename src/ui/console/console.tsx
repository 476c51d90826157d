/** The live console of one endpoint: list, detail, composer and keyboard shortcuts. */
"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { addConditionText, toConditionText } from "@/src/shared/filters/write-expression";
import { endpointQuery, endpointsQuery, keysQuery } from "../api/queries";
import { readSetting, writeSetting } from "../browser-settings";
import { ButtonLink } from "../components/button-link";
import { CodeBlock } from "../components/code-block";
import { copyText } from "../components/copy-button";
import { EmptyState } from "../components/page/empty-state";
import { ResizeHandle } from "../grid/resize-handle";
import { toPrettyText } from "../json/json-print";
import { parseStored } from "../json/json-tree";
import { notify } from "../notifications/notify";
import { KEY_PLACEHOLDER, preferredKey } from "../snippets/choose-target";
import { type Target, toCurl, toEmailCurl } from "../snippets/snippets";
import { isMarkKind, type StreamEvent } from "../stream/stream-event";
import { Composer, DRAFT_NEW } from "./compose/composer";
import { useComposerDraft } from "./compose/composer-draft";
import { FirstRecord } from "./compose/first-record";
import { type Draft, toDraftRequest } from "./compose/send-record";
import { DetailPanel, toCopyText } from "./detail/detail-panel";
import type { StepVersion } from "./detail/history-view";
import type { Detail, Sought } from "./engine/console-client";
import type { Flush } from "./engine/console-messages";
import { type EventFilter, FILTER_NONE, isFilterEmpty, parseFilterText } from "./engine/event-filter";
import type { FilterActions } from "./filter-actions";
import { ChartPlace } from "./list/chart-place";
import { EventList } from "./list/event-list";
import { ListController } from "./list/list-controller";
import { StoredRecords } from "./list/stored-records";
import { usePins } from "./list/use-pins";
import type { LogPlace } from "./log/log-place";
import { LogStatus } from "./log-status";
import { NoMatches } from "./no-matches";
import { ShortcutSheet } from "./shortcut-sheet";
import type { ShortcutId } from "./shortcuts";
import { StatusAnnouncer } from "./status-announcer";
import { Toolbar } from "./toolbar";
import { toChangeLink, useConsole, useConsoleUrl } from "./use-console";
import { useSelection } from "./use-selection";
import { useShortcuts, useSingleKeys } from "./use-shortcuts";

const DETAIL_WIDTH = { minPx: 320, maxPx: 760, startPx: 440, setting: "rested-detail-width" };

const ExportDialog = lazy(async () => ({ default: (await import("./export/export-dialog")).ExportDialog }));

interface Props {
  projectId: string;
  endpointId: string;
  origin: string;
  initial: Flush;
}

export function Console({ projectId, endpointId, origin, initial }: Props) {
  const url = useConsoleUrl();
  const { filter, tab, setTab } = url;
  /** The last filter that was valid. */
  const [applied, setApplied] = useState(filter);
  const startPlace: LogPlace | undefined = url.change === undefined ? url.place : { kind: "seq", seq: url.change };
  const [notice, setNotice] = useState<string>();
  const [list] = useState(() => {
    const created = new ListController(initial);
    if (startPlace) created.hold();
    return created;
  });
  const onSought = ({ place, found, problem }: Sought) => {
    setNotice(problem);
    if (!found) return;
    if (place.kind === "seq" && place.seq === url.change) selection.select(found.ordinal);
  };
  const { flush, client } = useConsole(endpointId, initial, { filter, place: startPlace, paused: url.paused }, onSought);
  useEffect(() => client && list.connect(client), [list, client]);
  useEffect(() => client?.setSpan(url.spanMs), [client, url.spanMs]);
  const pins = usePins(endpointId);
  const selection = useSelection(client, list, url);
  const [widthPx, setWidthPx] = useDetailWidth();
  const [sheet, setSheet] = useState(false);
  const [exporting, setExporting] = useState(false);
  const [composing, setComposing] = useState(false);
  const rootRef = useRef<HTMLDivElement>(null);
  const filterRef = useRef<HTMLInputElement>(null);
  const bodyRef = useRef<HTMLDivElement>(null);
  const sendRef = useRef<() => void>(undefined);
  const stepVersionRef = useRef<StepVersion>(undefined);
  const singleKeys = useSingleKeys();
  const { data: endpoint } = useQuery(endpointQuery(endpointId));
  const { data: keys = [] } = useQuery(keysQuery(projectId));
  const kept = useComposerDraft(endpointId, endpoint?.kind === "authentication");
  const draft = kept.value ?? DRAFT_NEW;
  const endpointName = endpoint?.name ?? "";
  const key = preferredKey(keys, Date.now())?.key ?? KEY_PLACEHOLDER;
  const target = useMemo(() => ({ origin, endpointName, key }), [origin, endpointName, key]);

  useDeletedEndpoint(projectId, flush);

  const applyFilter = (next: EventFilter) => {
    url.setFilter(next);
    // A text that is being typed is often not complete. The list keeps the last filter that was.
    if (!parseFilterText(next.text).ok) return;
    setApplied(next);
    client?.setFilter(next, selection.selected ?? (list.status.following ? undefined : flush.rows[0]?.ordinal), list.readView());
  };
  const clearRange = () => {
    applyFilter({ ...filter, range: undefined });
    focusGrid();
  };
  const filterActions: FilterActions = {
    addValue: (path, operator, value) =>
      applyFilter({ ...filter, text: addConditionText(filter.text, toConditionText(path, operator, value)) }),
    addRecord: (recordId) => applyFilter({ ...filter, text: addConditionText(filter.text, `id:${recordId}`) }),
  };
  const focusGrid = () => rootRef.current?.querySelector<HTMLElement>("[data-console-grid]")?.focus({ preventScroll: true });
  const close = () => {
    selection.clear();
    focusGrid();
  };
  const openComposer = useCallback((open: boolean) => {
    setComposing(open);
    if (open) requestAnimationFrame(() => bodyRef.current?.querySelector<HTMLElement>("textarea,[contenteditable=true]")?.focus());
  }, []);
  const compose = (next: Draft) => {
    kept.set(next);
    openComposer(true);
  };
  const edit = (event: StreamEvent) => {
    const isText = parseStored(event.data).kind === "string";
    // Records sent as text and as a JSON string look the same here. JSON is correct for both.
    const body = isText ? event.data : toPrettyText(parseStored(event.data));
    compose({ method: "PUT", recordId: event.recordId, strategy: "force", format: "json", body });
  };
  const pause = (paused: boolean) => {
    url.setPaused(paused);
    if (paused) client?.pause();
    else client?.resume();
  };
  const seek = (place: LogPlace | { kind: "newest" }) => {
    setNotice(undefined);
    url.setPlace(place.kind === "newest" ? undefined : place);
    if (place.kind === "newest") return skip();
    selection.clear();
    list.hold();
    client?.seek(place);
  };
  const skip = () => {
    setNotice(undefined);
    url.setPlace(undefined);
    pause(false);
    list.follow();
  };
  const copyLink = ({ seq }: StreamEvent) =>
    void copyText(toChangeLink(seq)).then((done) => notify(done ? "Link copied." : "Couldn’t copy. The address bar has the link."));

  const stepVersion = (by: number) => {
    // The first press shows the history, at the selected version.
    if (tab === "history") stepVersionRef.current?.(by);
    else setTab("history");
  };

  const run: Record<ShortcutId, () => boolean> = {
    pause: () => did(() => pause(!flush.paused)),
    live: () => did(skip),
    first: () => did(list.toTop),
    older: () => did(() => client?.loadOlder()),
    next: () => did(() => selection.step(1)),
    previous: () => did(() => selection.step(-1)),
    open: () => did(() => (selection.selected === undefined ? selection.step(0) : focusDetail(rootRef.current))),
    close: () => !isTyping() && (selection.selected !== undefined ? did(close) : applied.range !== undefined && did(clearRange)),
    filter: () => did(() => filterRef.current?.select()),
    "tab-changes": () => selection.selected !== undefined && did(() => setTab("changes")),
    "tab-json": () => selection.selected !== undefined && did(() => setTab("json")),
    "tab-raw": () => selection.selected !== undefined && did(() => setTab("raw")),
    "tab-history": () => selection.selected !== undefined && did(() => setTab("history")),
    "older-version": () => selection.selected !== undefined && did(() => stepVersion(1)),
    "newer-version": () => selection.selected !== undefined && did(() => stepVersion(-1)),
    "tab-delivery": () => selection.selected !== undefined && did(() => setTab("delivery")),
    "copy-json": () => copyDetail(selection.detail),
    "copy-curl": () => copyCurl(selection.detail, target),
    export: () => did(() => setExporting(true)),
    send: () => composing && did(() => sendRef.current?.()),
    sheet: () => did(() => setSheet(true)),
  };
  useShortcuts((id) => run[id]());

  // Mails are written by sending them.
  const isMail = endpoint?.kind === "email";
  const isFiltered = !isFilterEmpty(applied);
  const isDeleted = flush.connection.state === "ended" && flush.connection.isDeleted === true;
  const isEmpty = flush.total === 0 && flush.history === "complete";
  return (
    <div ref={rootRef} className="flex h-full min-h-0 flex-col">
      <StatusAnnouncer flush={flush} />
      <Toolbar
        flush={flush}
        filter={filter}
        filterRef={filterRef}
        onFilter={applyFilter}
        onPause={() => pause(true)}
        onResume={() => pause(false)}
        onSkip={skip}
        onSeek={seek}
        onReconnect={() => client?.reconnect()}
        onExport={() => setExporting(true)}
        onSheet={() => setSheet(true)}
      />
      <ChartPlace
        chart={flush.chart}
        range={applied.range}
        spanMs={url.spanMs}
        onSpan={url.setSpanMs}
        onRange={(range) => applyFilter({ ...filter, range })}
      />
      <LogStatus
        flush={flush}
        isFiltered={isFiltered}
        dims={applied.dims}
        range={applied.range}
        onClearRange={clearRange}
        notice={notice}
        onStop={() => client?.stopSearch()}
        onSearch={() => client?.loadOlder()}
        onNewest={skip}
        onDims={(dims) => applyFilter({ ...filter, dims })}
      />
      <div className="flex min-h-0 flex-1">
        <div className="flex min-w-0 flex-1 flex-col">
          {isDeleted && flush.total === 0 ? (
            <div className="flex-1 overflow-y-auto p-4">
              <EmptyState
                sentence="This endpoint was deleted."
                action={<ButtonLink href={`/p/${projectId}/endpoints`}>Show the other endpoints</ButtonLink>}
              />
            </div>
          ) : isEmpty && endpoint && endpoint.changeCount > 0 ? (
            <StoredRecords projectId={projectId} endpoint={endpoint} />
          ) : isEmpty && isMail ? (
            <div className="flex-1 overflow-y-auto p-4">
              <EmptyState sentence="No e-mails yet.">
                <CodeBlock code={toEmailCurl(target)} what="the curl command" title="Send with curl" />
              </EmptyState>
            </div>
          ) : isEmpty ? (
            <FirstRecord endpointId={endpointId} target={target} />
          ) : flush.matched === 0 && flush.total > 0 && isFiltered && !flush.paused ? (
            <NoMatches flush={flush} onClear={() => applyFilter(FILTER_NONE)} />
          ) : (
            <EventList
              flush={flush}
              list={list}
              pins={pins.paths}
              selected={selection.selected}
              onSelect={selection.select}
              onLoadOlder={() => client?.loadOlder()}
            />
          )}
          {isMail || isDeleted ? null : (
            <Composer
              projectId={projectId}
              schema={endpoint?.schema}
              isSecret={endpoint?.kind === "authentication"}
              endpointId={endpointId}
              target={target}
              draft={draft}
              onDraft={kept.set}
              restoredAtMs={kept.restoredAtMs}
              onDiscard={kept.clear}
              onSent={kept.settle}
              open={composing}
              onOpen={openComposer}
              sendRef={sendRef}
              bodyRef={bodyRef}
            />
          )}
        </div>
        {selection.selected === undefined ? null : (
          <>
            <ResizeHandle {...DETAIL_WIDTH} widthPx={widthPx} onResize={setWidthPx} />
            <div
              data-console-detail=""
              style={{ width: widthPx }}
              className="min-h-0 max-w-[60%] shrink-0 max-lg:fixed max-lg:inset-0 max-lg:z-20 max-lg:w-full! max-lg:max-w-none"
            >
              <DetailPanel
                endpointId={endpointId}
                detail={selection.detail}
                tab={tab}
                onTab={setTab}
                filterActions={filterActions}
                onCopyLink={copyLink}
                pins={pins}
                canRestore={endpoint?.kind === "data"}
                stepVersionRef={stepVersionRef}
                onClose={close}
                onEdit={isMail ? undefined : edit}
                onDelete={isMail ? undefined : (event) => compose({ ...DRAFT_NEW, method: "DELETE", recordId: event.recordId })}
              />
            </div>
          </>
        )}
      </div>
      <Suspense fallback={null}>
        {exporting ? (
          <ExportDialog
            open={exporting}
            onOpenChange={setExporting}
            client={client}
            endpointName={endpointName}
            matched={flush.matched}
            isFiltered={isFiltered}
            selected={selection.selected}
          />
        ) : null}
      </Suspense>
      <ShortcutSheet open={sheet} onOpenChange={setSheet} singleKeys={singleKeys} />
    </div>
  );
}

/** Runs an action and returns true: the shortcut was handled. */
function did(run: () => void): true {
  run();
  return true;
}

/** Escape in a text field belongs to the field. */
function isTyping(): boolean {
  return document.activeElement?.matches("textarea,input:not([type=search])") ?? false;
}

function focusDetail(root: HTMLElement | null): void {
  root?.querySelector<HTMLElement>("[data-console-detail] [role=tab][aria-selected=true]")?.focus();
}

/** Copies the request that makes the same change. */
function copyCurl(detail: Detail | undefined, target: Target): boolean {
  const event = detail?.event;
  if (!event || isMarkKind(event.kind)) return false;
  const { kind, recordId, data: body } = event;
  const method = kind === "create" ? "POST" : kind === "update" ? "PUT" : "DELETE";
  const text = toCurl(toDraftRequest({ method, recordId, strategy: "force", format: "json", body }, target));
  void copyText(text).then((done) => notify(done ? "curl command copied." : "Couldn’t copy. Open the composer and copy it there."));
  return true;
}

function copyDetail(detail: Detail | undefined): boolean {
  const event = detail?.event;
  if (!event) return false;
  // If text is selected, the browser copies the selection.
  if (!(window.getSelection()?.isCollapsed ?? true)) return false;
  void copyText(toCopyText(event)).then((done) => notify(done ? "JSON copied." : "Couldn’t copy. Select the text and copy it yourself."));
  return true;
}

function useDetailWidth(): [number, (widthPx: number) => void] {
  const [widthPx, setWidthPx] = useState(DETAIL_WIDTH.startPx);
  useEffect(() => {
    const stored = Number(readSetting(DETAIL_WIDTH.setting));
    if (stored >= DETAIL_WIDTH.minPx && stored <= DETAIL_WIDTH.maxPx) setWidthPx(stored);
  }, []);
  const change = (next: number) => {
    setWidthPx(next);
    writeSetting(DETAIL_WIDTH.setting, String(next));
  };
  return [widthPx, change];
}

/** Once the endpoint was deleted, the sidebar and the pages of the project no longer list it. */
function useDeletedEndpoint(projectId: string, { connection }: Flush): void {
  const queries = useQueryClient();
  const isDeleted = connection.state === "ended" && connection.isDeleted === true;
  useEffect(() => {
    if (isDeleted) void queries.invalidateQueries({ queryKey: endpointsQuery(projectId).queryKey });
  }, [isDeleted, projectId, queries]);
}
