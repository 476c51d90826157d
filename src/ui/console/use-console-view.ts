/** The state and the actions that the consoles of an endpoint and of a project share. */
"use client";

import { useEffect, useRef, useState } from "react";
import { addConditionText, toConditionText } from "@/src/shared/filters/write-expression";
import { copyText } from "../components/copy-button";
import { notify } from "../notifications/notify";
import type { StreamEvent } from "../stream/stream-event";
import { toCopyText } from "./detail/detail-panel";
import type { StepVersion } from "./detail/history-view";
import type { Detail, Sought } from "./engine/console-client";
import type { ConsoleScope, Flush } from "./engine/console-messages";
import { type EventFilter, FILTER_NONE, isFilterEmpty, parseFilterText } from "./engine/event-filter";
import type { FilterActions } from "./filter-actions";
import { ListController } from "./list/list-controller";
import { usePins } from "./list/use-pins";
import type { LogPlace } from "./log/log-place";
import type { ShortcutId } from "./shortcuts";
import { toChangeLink, toScopeId, useConsole, useConsoleUrl } from "./use-console";
import { useSelection } from "./use-selection";
import { useShortcuts, useSingleKeys } from "./use-shortcuts";

export type ConsoleView = ReturnType<typeof useConsoleView>;

/** Shortcuts that only one of the consoles has. */
type OwnShortcuts = Partial<Record<ShortcutId, () => boolean>>;

/** `own` is called for each shortcut, with what the console shows. */
export function useConsoleView({
  scope,
  initial,
  own,
}: {
  scope: ConsoleScope;
  initial: Flush;
  own: (view: { detail: Detail | undefined }) => OwnShortcuts;
}) {
  const isProject = scope.kind === "project";
  const url = useConsoleUrl(isProject);
  const { filter, tab, setTab } = url;
  /** The last filter that was valid. */
  const [applied, setApplied] = useState(filter);
  const startPlace: LogPlace | undefined =
    url.change === undefined ? url.place : { kind: "seq", seq: url.change, endpointId: url.endpointId };
  const [notice, setNotice] = useState<string>();
  const [list] = useState(() => {
    const created = new ListController(initial, isProject);
    if (startPlace) created.hold();
    return created;
  });
  const onSought = ({ place, found, problem }: Sought) => {
    setNotice(problem);
    if (!found) return;
    if (place.kind === "seq" && place.seq === url.change) selection.select(found.ordinal);
  };
  const { flush, client, endpoints } = useConsole(scope, initial, { filter, place: startPlace, paused: url.paused }, onSought);
  useEffect(() => client && list.connect(client), [list, client]);
  useEffect(() => client?.setSpan(url.spanMs), [client, url.spanMs]);
  const pins = usePins(toScopeId(scope), url.pins);
  const selection = useSelection(client, list, url, endpoints?.endpoints);
  const [sheet, setSheet] = useState(false);
  const [exporting, setExporting] = useState(false);
  const rootRef = useRef<HTMLDivElement>(null);
  const filterRef = useRef<HTMLInputElement>(null);
  const stepVersionRef = useRef<StepVersion>(undefined);
  const singleKeys = useSingleKeys();

  const applyFilter = (next: EventFilter) => {
    url.setFilter(next);
    // A text that is being typed is often not complete. The list keeps the last filter that was.
    if (!parseFilterText(next).ok) return;
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
  const copyLink = ({ seq, source = 0 }: StreamEvent) =>
    void copyText(toChangeLink(seq, endpoints?.endpoints[source]?.id)).then((done) =>
      notify(done ? "Link copied." : "Couldn’t copy. The address bar has the link."),
    );

  const stepVersion = (by: number) => {
    // The first press shows the history, at the selected version.
    if (tab === "history") stepVersionRef.current?.(by);
    else setTab("history");
  };

  const run: OwnShortcuts = {
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
    export: () => did(() => setExporting(true)),
    ...own({ detail: selection.detail }),
    sheet: () => did(() => setSheet(true)),
  };
  useShortcuts((id) => run[id]?.() ?? false);

  return {
    isProject,
    url,
    filter,
    applied,
    isFiltered: !isFilterEmpty(applied),
    notice,
    list,
    flush,
    client,
    endpoints,
    pins,
    selection,
    tab,
    setTab,
    sheet,
    setSheet,
    exporting,
    setExporting,
    rootRef,
    filterRef,
    stepVersionRef,
    singleKeys,
    applyFilter,
    clearFilter: () => applyFilter({ ...FILTER_NONE, ...(isProject ? { isProject } : {}) }),
    clearRange,
    filterActions,
    close,
    pause,
    seek,
    skip,
    copyLink,
  };
}

/** Runs an action and returns true: the shortcut was handled. */
export function did(run: () => void): true {
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

function copyDetail(detail: Detail | undefined): boolean {
  const event = detail?.event;
  if (!event) return false;
  // If text is selected, the browser copies the selection.
  if (!(window.getSelection()?.isCollapsed ?? true)) return false;
  void copyText(toCopyText(event)).then((done) => notify(done ? "JSON copied." : "Couldn’t copy. Select the text and copy it yourself."));
  return true;
}
