/** The records of an endpoint: grid, side panel, toolbar and dialogs. */
"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { endpointQuery, keysQuery } from "../api/queries";
import { type GridQuery, ORDER_DEFAULT } from "../api/record-rows";
import { toViewerName } from "../api/viewer";
import { ProblemPanel } from "../components/page/problem-panel";
import { Skeleton } from "../components/page/skeleton";
import { useDebounced } from "../forms/use-debounced";
import { ROW_PX } from "../grid/row-window";
import { notify } from "../notifications/notify";
import { KEY_PLACEHOLDER, preferredKey } from "../snippets/choose-target";
import { DeleteDialog } from "./delete-dialog";
import { NOTHING_STAGED, toFieldText } from "./edits/staged";
import { StagedBar } from "./edits/staged-bar";
import { useCellEdits } from "./edits/use-cell-edits";
import { useStagedEdits } from "./edits/use-staged-edits";
import { sortLoaded } from "./grid/grid-columns";
import type { ShownSort } from "./grid/grid-head";
import { resize, toShownColumns } from "./grid/grid-layout";
import { GRID_HEAD_PX, RecordGrid } from "./grid/record-grid";
import { useColumns } from "./grid/use-columns";
import { useGrid } from "./grid/use-grid";
import { useRowWindow } from "./grid/use-row-window";
import { useSelection } from "./grid/use-selection";
import { LazyBulk, LazyComposer, LazyExport, LazyImport, LazyPanel, LazyViewAs, usePreload } from "./lazy-parts";
import { NoMatches, NoRecords, NothingReadable } from "./no-records";
import { SidePanel } from "./panel/side-panel";
import { UnsavedRecords } from "./panel/unsaved-records";
import { RecordsStatus } from "./records-status";
import { RecordsToolbar } from "./records-toolbar";
import { useGridKeys } from "./use-grid-keys";
import { useOpenReference } from "./use-open-reference";
import { useRecordsUrl } from "./use-records-url";
import { ViewAsBanner } from "./view-as/view-as-banner";
import { toLayout, toQuery } from "./views/view-content";
import { ViewsMenu } from "./views/views-menu";

const TYPING_MS = 250;
/** The next page is loaded when fewer rows than this are left below the visible ones. */
const ROWS_AHEAD = 60;

export const EDIT_HINT_USERS =
  "A password that you enter here is set for the user and ends their sessions. It is never stored in the record.";

interface Props {
  projectId: string;
  endpointId: string;
  origin: string;
}

export function RecordsPage({ projectId, endpointId, origin }: Props) {
  const { query, setQuery, openId, setOpenId, setViewAs } = useRecordsUrl();
  const { viewAs } = query;
  const isViewed = viewAs !== undefined;
  // Without a delay, so that no rows of another view are shown.
  const grid = useGrid(endpointId, { ...useDebounced(query, TYPING_MS), viewAs });
  const { layout, isChosen, candidates, choose } = useColumns(endpointId, grid.rows);
  const columns = useMemo(() => toShownColumns(layout), [layout]);
  const edits = useStagedEdits(endpointId, grid.replace);
  const [loadedSort, setLoadedSort] = useState<ShownSort>();
  const [composing, setComposing] = useState(false);
  const [deleting, setDeleting] = useState<readonly string[]>([]);
  const [dialog, setDialog] = useState<"import" | "export" | "bulk" | "view">();
  usePreload();
  const dirty = useRef(false);
  const root = useRef<HTMLDivElement>(null);
  const searchRef = useRef<HTMLInputElement>(null);
  const viewAsRef = useRef<HTMLButtonElement>(null);
  const client = useQueryClient();
  const { data: endpoint } = useQuery(endpointQuery(endpointId));
  /** The number of all records changes with creations and deletions. */
  const recount = () => void client.invalidateQueries({ queryKey: endpointQuery(endpointId).queryKey });
  const { data: keys = [] } = useQuery(keysQuery(projectId));
  const kind = endpoint?.kind ?? "data";
  const target = { origin, endpointName: endpoint?.name ?? "", key: preferredKey(keys, Date.now())?.key ?? KEY_PLACEHOLDER };

  const sort = loadedSort ?? toServerSort(query);
  const rows = useMemo(() => {
    const path = columns.find(({ key }) => key === loadedSort?.column)?.path;
    return loadedSort && path ? sortLoaded(grid.rows, { path, descending: loadedSort.descending }) : grid.rows;
  }, [grid.rows, columns, loadedSort]);
  const rowWindow = useRowWindow({ count: rows.length, rowPx: ROW_PX, headPx: GRID_HEAD_PX });

  /** Returns false if there are unsaved changes, so that a click elsewhere does not discard them. */
  const leave = (): boolean => {
    if (!dirty.current) return true;
    notify("Save or cancel your changes first.");
    return false;
  };
  const setDirty = (next: boolean) => {
    dirty.current = next;
  };
  const focusGrid = () => root.current?.querySelector<HTMLElement>("[data-records-grid]")?.focus({ preventScroll: true });
  const open = (id: string) => {
    if (id === openId && !composing) return;
    if (!leave()) return;
    setComposing(false);
    setOpenId(id);
  };
  const close = (force = false) => {
    if (!force && !leave()) return;
    setDirty(false);
    setComposing(false);
    setOpenId(undefined);
    focusGrid();
  };
  const compose = () => {
    if (!leave()) return;
    setOpenId(undefined);
    setComposing(true);
  };
  const selection = useSelection({
    rows,
    canSelect: !isViewed,
    columns: columns.length,
    pageRows: rowWindow.pageRows,
    onMove: (id, index) => {
      rowWindow.reveal(index);
      if (openId !== undefined) open(id);
    },
  });

  const applySort = (next: ShownSort) => {
    const order =
      next.column === "created" || next.column === "updated" ? (`${next.descending ? "-" : ""}${next.column}` as const) : undefined;
    setLoadedSort(order ? undefined : next);
    if (order && order !== query.order) setQuery({ ...query, order });
    rowWindow.toTop();
  };
  const sortBy = (column: string) => {
    // The first click shows the newest times, and the smallest values.
    const isTime = column === "created" || column === "updated";
    applySort({ column, descending: sort.column === column ? !sort.descending : isTime });
  };
  const reload = async () => {
    if (query.order !== ORDER_DEFAULT || loadedSort) applySort({ column: "created", descending: true });
    rowWindow.toTop();
    await grid.reload().catch((error: Error) => notify(error.message));
  };
  const dropDeleted = (ids: readonly string[]) => {
    grid.drop(new Set(ids));
    recount();
    if (openId !== undefined && ids.includes(openId)) close(true);
  };
  const created = async (ids: readonly string[]) => {
    setDirty(false);
    setComposing(false);
    setOpenId(ids[0]);
    recount();
    await reload();
  };
  const openReference = useOpenReference({ projectId, endpointId, onHere: open });
  const { edit, editor, mouse } = useCellEdits({
    ...{ rows, columns, selection, edits },
    onOpen: open,
    onDoubleClick: () => !dirty.current && setOpenId(undefined),
    onLeave: focusGrid,
  });

  // Loads the next page before the end is visible.
  const { hasMore, loadMore, loadingMore, error } = grid;
  const isNearEnd = rowWindow.to + ROWS_AHEAD > rows.length;
  useEffect(() => {
    if (isNearEnd && hasMore && !loadingMore && !error) loadMore();
  });
  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping()) return;
      event.preventDefault();
      searchRef.current?.focus();
    };
    globalThis.addEventListener("keydown", onKey);
    return () => globalThis.removeEventListener("keydown", onKey);
  }, []);

  const onGridKey = useGridKeys({
    ...{ rows, columns, layout, selection },
    onLayout: choose,
    onOpen: open,
    onEdit: kind === "email" || isViewed ? open : edit,
    onDelete: (ids) => !isViewed && setDeleting(ids),
    onReference: openReference,
    onSort: sortBy,
  });
  const onPageKey = (event: KeyboardEvent) => {
    if (edits.staged.size > 0 && !isViewed && (event.ctrlKey || event.metaKey) && !isTyping()) {
      const act = { s: () => void edits.save(), z: edits.undo }[event.key.toLowerCase()];
      if (act) {
        event.preventDefault();
        act();
      }
    }
    onEscape(event);
  };
  const onEscape = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || event.defaultPrevented || isTyping()) return;
    if (openId !== undefined || composing) close();
    else if (selection.selected.size > 0) selection.clear();
    else return;
    event.preventDefault();
  };

  const isNarrowed = query.search !== "" || query.filters.length > 0;
  const openRow = openId === undefined ? undefined : grid.rows.find(({ id }) => id === openId);
  const isUsers = kind === "authentication";
  // Mails are written by sending them.
  const isMail = kind === "email";
  const viewer = isViewed ? (toViewerName(viewAs, grid.viewedAs?.name) ?? null) : undefined;
  const view = (next: string | undefined) => {
    if (!leave()) return;
    setDialog(undefined);
    setComposing(false);
    setViewAs(next);
    rowWindow.toTop();
    viewAsRef.current?.focus();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes what is open, wherever the focus is
    <div ref={root} onKeyDown={onPageKey} {...(isMail || isViewed ? {} : mouse)} className="flex h-full min-h-0 flex-col">
      <RecordsToolbar
        query={query}
        onQuery={setQuery}
        searchRef={searchRef}
        sort={sort}
        onSort={applySort}
        layout={layout}
        candidates={candidates}
        onLayout={choose}
        onOpenId={openReference}
        views={
          <ViewsMenu
            endpointId={endpointId}
            query={query}
            layout={isChosen ? layout : undefined}
            onApply={(view) => {
              setLoadedSort(undefined);
              setQuery(toQuery(view));
              choose(toLayout(view));
              rowWindow.toTop();
            }}
          />
        }
        what={isUsers ? "user" : "record"}
        onCreate={isMail || isViewed ? undefined : compose}
        onImport={isUsers || isMail || isViewed ? undefined : () => setDialog("import")}
        onExport={isViewed ? undefined : () => setDialog("export")}
        onViewAs={() => setDialog("view")}
        viewAsRef={viewAsRef}
      />
      {viewer === undefined ? null : (
        <ViewAsBanner name={viewer ?? undefined} onChange={() => setDialog("view")} onStop={() => view(undefined)} />
      )}
      <RecordsStatus
        viewer={viewer}
        onChangeFields={isMail || isViewed ? undefined : () => setDialog("bulk")}
        grid={grid}
        total={isNarrowed || isViewed ? undefined : endpoint?.recordCount}
        selected={selection.selected.size}
        onBringIn={() => void reload()}
        onSelectAll={selection.selectAll}
        onClear={selection.clear}
        onDelete={() => setDeleting([...selection.selected])}
        onExport={() => setDialog("export")}
      />
      {openId === undefined && !composing ? <UnsavedRecords endpointId={endpointId} onOpen={open} onCompose={compose} /> : null}
      {edits.staged.size > 0 && !isViewed ? <StagedBar edits={edits} onOpen={open} onDone={focusGrid} /> : null}
      <div className="flex min-h-0 flex-1">
        <div className="flex min-w-0 flex-1 flex-col">
          {grid.error && rows.length === 0 ? (
            <div className="p-4">
              <ProblemPanel what="Couldn’t load records." error={grid.error} onRetry={() => void reload()} />
            </div>
          ) : grid.loading || (isViewed && rows.length === 0 && grid.hasMore) ? (
            <div className="p-4">
              <Skeleton height={240} />
            </div>
          ) : rows.length > 0 ? (
            <RecordGrid
              endpointId={endpointId}
              rows={rows}
              columns={columns}
              rowWindow={rowWindow}
              total={grid.hasMore ? undefined : rows.length}
              activeId={selection.activeId}
              activeColumn={selection.activeColumn}
              openId={openId}
              selected={isViewed ? undefined : selection.selected}
              staged={isViewed ? NOTHING_STAGED : edits.staged}
              sort={sort}
              busy={grid.stale || grid.loadingMore}
              editor={editor}
              onActive={selection.setActive}
              onOpen={open}
              onToggle={selection.toggle}
              onReference={openReference}
              onSort={sortBy}
              onResize={(column, px) => choose(resize(layout, column, px))}
              onKeyDown={onGridKey}
            />
          ) : isNarrowed ? (
            <NoMatches onClear={() => setQuery({ ...query, search: "", filters: [] })} />
          ) : viewer !== undefined ? (
            <NothingReadable viewer={viewer} refused={grid.viewedAs?.refused} />
          ) : (
            <NoRecords kind={kind} target={target} onCreate={compose} />
          )}
        </div>
        {openId !== undefined || composing ? (
          <SidePanel>
            {composing ? (
              <LazyComposer
                endpointId={endpointId}
                kind={kind}
                onDirty={setDirty}
                onCreated={(ids) => void created(ids)}
                onClose={() => close(true)}
              />
            ) : openId === undefined ? null : (
              <LazyPanel
                key={openId}
                endpointId={endpointId}
                viewAs={viewAs}
                id={openId}
                row={openRow}
                editHint={isUsers ? EDIT_HINT_USERS : undefined}
                isReadOnly={isMail}
                isSecret={isUsers}
                onDirty={setDirty}
                onChanged={grid.replace}
                onDeleted={(id) => dropDeleted([id])}
                onCreated={(id) => void created([id])}
                onDelete={(id) => setDeleting([id])}
                onClose={() => close()}
              />
            )}
          </SidePanel>
        ) : null}
      </div>
      <DeleteDialog
        endpointId={endpointId}
        kind={kind}
        ids={deleting}
        onClose={() => setDeleting([])}
        onDeleted={(ids) => {
          setDeleting([]);
          setDirty(false);
          dropDeleted(ids);
        }}
      />
      <LazyImport
        endpointId={endpointId}
        open={dialog === "import"}
        onOpenChange={(isOpen) => setDialog(isOpen ? "import" : undefined)}
        onImported={() => {
          recount();
          void reload();
        }}
      />
      <LazyViewAs
        projectId={projectId}
        open={dialog === "view"}
        onOpenChange={(isOpen) => setDialog(isOpen ? "view" : undefined)}
        onChoose={view}
      />
      <LazyBulk
        endpointId={endpointId}
        open={dialog === "bulk"}
        onOpenChange={(isOpen) => setDialog(isOpen ? "bulk" : undefined)}
        query={query}
        selected={selection.selected}
        fields={candidates.filter((path) => path.length > 0).map(toFieldText)}
        onChanged={() => void reload()}
        onOpenRecord={(id) => {
          setDialog(undefined);
          open(id);
        }}
      />
      <LazyExport
        endpointId={endpointId}
        open={dialog === "export"}
        onOpenChange={(isOpen) => setDialog(isOpen ? "export" : undefined)}
        query={query}
        selected={selection.selected}
      />
    </div>
  );
}

function toServerSort({ order }: GridQuery): ShownSort {
  return { column: order.replace("-", ""), descending: order.startsWith("-") };
}

/** Keys pressed in a text field belong to the field. */
function isTyping(): boolean {
  return document.activeElement?.matches("textarea,select,[contenteditable=true],input:not([type=checkbox]):not([type=radio])") ?? false;
}
