/** The toolbar above the grid: search, filters, order, columns, import, export, creation. */
"use client";

import { Columns3, Eye, FileInput, FileOutput, Plus, X } from "lucide-react";
import { type FormEvent, type ReactNode, type RefObject, useId, useState } from "react";
import { FILTERS_MAX } from "@/src/shared/streams/record-filter";
import type { GridQuery } from "../api/record-rows";
import { Button, buttonClass } from "../components/button";
import { CONTROL } from "../components/field";
import { Menu, MenuItem, MenuSeparator } from "../components/overlay/menu";
import { type ColumnPath, toColumnName } from "./grid/grid-columns";
import type { ShownSort } from "./grid/grid-head";
import { type Layout, type TimeColumn, toDataKey } from "./grid/grid-layout";

interface Props {
  query: GridQuery;
  onQuery: (query: GridQuery) => void;
  searchRef: RefObject<HTMLInputElement | null>;
  sort: ShownSort;
  onSort: (sort: ShownSort) => void;
  layout: Layout;
  candidates: readonly ColumnPath[];
  /** Undefined resets the columns. */
  onLayout: (layout: Layout | undefined) => void;
  /** Opens the record with an id that was typed into the search. */
  onOpenId: (uniqueId: string) => void;
  /** The menu of saved views. */
  views: ReactNode;
  /** The noun for a new record. */
  what: "record" | "user";
  /** Undefined if records are created elsewhere. */
  onCreate: (() => void) | undefined;
  /** Undefined if this kind of endpoint has no import. */
  onImport: (() => void) | undefined;
  /** Undefined if the rows are the view of a user. */
  onExport: (() => void) | undefined;
  onViewAs: () => void;
  viewAsRef: RefObject<HTMLButtonElement | null>;
}

export function RecordsToolbar(props: Props) {
  const { query, onQuery } = props;
  return (
    <div className="flex shrink-0 flex-col gap-2 border-b border-line px-4 py-2 max-sm:px-3">
      <div className="flex flex-wrap items-start gap-2">
        <Search {...props} />
        <FilterField query={query} onQuery={onQuery} />
        <div className="ml-auto flex flex-wrap items-center gap-2 max-sm:ml-0 max-sm:w-full">
          <SortChoice {...props} />
          {props.views}
          <ColumnsMenu {...props} />
          <Button
            ref={props.viewAsRef}
            square
            aria-label="View as…"
            title="View as…: show the records that a user can read"
            onClick={props.onViewAs}
          >
            <Eye className="size-4" aria-hidden="true" />
          </Button>
          {props.onImport ? (
            <Button tight title="Import records from a file" onClick={props.onImport}>
              <FileInput className="size-4" aria-hidden="true" />
              <span className="max-xl:sr-only">Import</span>
            </Button>
          ) : null}
          {props.onExport ? (
            <Button tight title="Export records to a file" onClick={props.onExport}>
              <FileOutput className="size-4" aria-hidden="true" />
              <span className="max-xl:sr-only">Export</span>
            </Button>
          ) : null}
          {props.onCreate ? (
            <Button tone="primary" onClick={props.onCreate}>
              <Plus className="size-4" aria-hidden="true" />
              <span>
                New<span className="max-sm:sr-only"> {props.what}</span>
              </span>
            </Button>
          ) : null}
        </div>
      </div>
      {query.filters.length > 0 ? (
        <ul aria-label="Filters" className="flex flex-wrap gap-1.5">
          {query.filters.map((filter) => (
            <li key={filter} className="flex max-w-full items-center rounded-md border border-line-firm bg-surface pl-2">
              <span className="truncate font-mono text-data">{filter}</span>
              <button
                type="button"
                aria-label={`Remove filter ${filter}`}
                onClick={() => onQuery({ ...query, filters: query.filters.filter((each) => each !== filter) })}
                className="grid size-6 shrink-0 place-items-center rounded-sm text-muted hover:text-text pointer-coarse:size-11"
              >
                <X className="size-3.5" aria-hidden="true" />
              </button>
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}

const ID = /^\s*([0-9a-f]{32})\s*$/;

function Search({ query, onQuery, searchRef, onOpenId }: Pick<Props, "query" | "onQuery" | "searchRef" | "onOpenId">) {
  return (
    <div className="relative w-48 max-sm:w-full">
      <input
        ref={searchRef}
        type="search"
        aria-label="Search data and IDs"
        placeholder="Search data and IDs"
        title="Search (/). Paste an ID and press Enter to open the record, also of another endpoint"
        value={query.search}
        maxLength={200}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => onQuery({ ...query, search: event.target.value })}
        onKeyDown={(event) => {
          const [, uniqueId] = event.key === "Enter" ? (ID.exec(event.currentTarget.value) ?? []) : [];
          if (uniqueId === undefined) return;
          event.preventDefault();
          onQuery({ ...query, search: "" });
          onOpenId(uniqueId);
        }}
        className={`${CONTROL} h-control px-2.5 pr-8`}
      />
      {query.search === "" ? null : (
        <button
          type="button"
          aria-label="Clear search"
          onClick={() => {
            onQuery({ ...query, search: "" });
            searchRef.current?.focus();
          }}
          className="absolute inset-y-0 right-0 grid w-8 place-items-center rounded-md text-muted hover:text-text pointer-coarse:w-11"
        >
          <X className="size-3.5" aria-hidden="true" />
        </button>
      )}
    </div>
  );
}

/** Its language is that of the console (G27), as far as the server can filter records. */
function FilterField({ query, onQuery }: Pick<Props, "query" | "onQuery">) {
  const id = useId();
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<string>();
  const add = async () => {
    const { toGridFilters } = await import("./grid-filters");
    const parsed = toGridFilters(text);
    if (!parsed.ok) return setProblem(parsed.problem);
    const filters = [...new Set([...query.filters, ...parsed.filters])];
    if (filters.length > FILTERS_MAX) return setProblem(`Use ${FILTERS_MAX} filters at most. Remove one first.`);
    onQuery({ ...query, filters, search: parsed.search ?? query.search });
    setText("");
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void add().catch((error: Error) => setProblem(error.message));
  };
  return (
    <form noValidate onSubmit={submit} className="w-48 max-sm:w-full">
      <input
        aria-label="Add a filter: path, operator, value"
        aria-invalid={problem ? true : undefined}
        aria-describedby={problem ? id : undefined}
        placeholder="Filter: age >= 21"
        title="Conditions as in the console, like age >= 21 & status = open: a path, an operator (= != < <= > >= ~ exists missing) and a value. Enter adds them"
        value={text}
        enterKeyHint="done"
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="none"
        onChange={(event) => {
          setText(event.target.value);
          setProblem(undefined);
        }}
        className={`${CONTROL} h-control px-2.5 font-mono text-data`}
      />
      {problem ? (
        <p id={id} role="alert" className="pt-1 text-delete">
          {problem}
        </p>
      ) : null}
    </form>
  );
}

const SERVER_SORTS = [
  { value: "-created", label: "Newest first" },
  { value: "created", label: "Oldest first" },
  { value: "-updated", label: "Recently updated" },
  { value: "updated", label: "Least recently updated" },
];

function SortChoice({ sort, onSort, layout }: Pick<Props, "sort" | "onSort" | "layout">) {
  const toValue = ({ column, descending }: ShownSort) => `${descending ? "-" : ""}${column}`;
  return (
    <select
      aria-label="Order"
      title="Order"
      value={toValue(sort)}
      onChange={({ target: { value } }) => onSort({ column: value.replace(/^-/, ""), descending: value.startsWith("-") })}
      className={`${CONTROL} h-control w-auto max-w-44 px-2 max-sm:max-w-24`}
    >
      {SERVER_SORTS.map(({ value, label }) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
      <optgroup label="Loaded rows only">
        {layout.columns.flatMap(({ path }) =>
          [false, true].map((descending) => {
            const name = toColumnName(path);
            const value = toValue({ column: toDataKey(path), descending });
            return (
              <option key={value} value={value}>
                {name} {descending ? "↓" : "↑"}
              </option>
            );
          }),
        )}
      </optgroup>
    </select>
  );
}

const TIMES: readonly { key: TimeColumn; label: string }[] = [
  { key: "created", label: "Created" },
  { key: "updated", label: "Updated" },
];

function ColumnsMenu({ layout, candidates, onLayout }: Pick<Props, "layout" | "candidates" | "onLayout">) {
  const shown = new Set(layout.columns.map(({ path }) => toColumnName(path)));
  const offered = [...layout.columns.map(({ path }) => path), ...candidates.filter((path) => !shown.has(toColumnName(path)))];
  const toggle = (path: ColumnPath) => {
    const name = toColumnName(path);
    const columns = shown.has(name) ? layout.columns.filter((each) => toColumnName(each.path) !== name) : [...layout.columns, { path }];
    onLayout({ ...layout, columns });
  };
  const toggleTime = (key: TimeColumn) => {
    const hidden = layout.hidden.includes(key) ? layout.hidden.filter((each) => each !== key) : [...layout.hidden, key];
    onLayout({ ...layout, hidden });
  };
  return (
    <Menu
      side="below"
      triggerClass={buttonClass("secondary", { tight: true })}
      trigger={
        <>
          <Columns3 className="size-4" aria-hidden="true" />
          <span className="max-xl:sr-only">Columns</span>
        </>
      }
    >
      {offered.map((path) => (
        <MenuItem key={toColumnName(path)} pressed={shown.has(toColumnName(path))} onClick={() => toggle(path)}>
          <span className="font-mono text-data">{toColumnName(path)}</span>
        </MenuItem>
      ))}
      <MenuSeparator />
      {TIMES.map(({ key, label }) => (
        <MenuItem key={key} pressed={!layout.hidden.includes(key)} onClick={() => toggleTime(key)}>
          {label}
        </MenuItem>
      ))}
      <MenuSeparator />
      <MenuItem onClick={() => onLayout(undefined)}>Reset to most common keys</MenuItem>
    </Menu>
  );
}
