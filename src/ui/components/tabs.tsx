/** Tabs: arrow keys move between them and select at once. The caller renders the panel with `tabPanel`. */
"use client";

import { type KeyboardEvent, useId, useRef } from "react";

export interface Tab<Value extends string> {
  value: Value;
  label: string;
  title?: string;
}

/** How the selected tab is marked. `line`: underlined. `fill`: with a background. */
export type TabsVariant = "line" | "fill";

const STYLES: Record<TabsVariant, { list: string; tab: string; selected: string; other: string }> = {
  line: {
    list: "flex",
    tab: "-mb-px h-9 border-b-2 px-2 pointer-coarse:h-11",
    selected: "border-text font-medium text-text",
    other: "border-transparent text-muted hover:text-text",
  },
  fill: {
    list: "flex flex-wrap gap-1",
    tab: "h-control rounded-md px-2.5",
    selected: "bg-hover font-medium text-text",
    other: "text-muted hover:bg-hover hover:text-text",
  },
};

export interface TabsState<Value extends string> {
  id: string;
  value: Value;
}

/** The ids that link tabs and panels. */
export function useTabs<Value extends string>(value: Value): TabsState<Value> {
  return { id: useId(), value };
}

/** The attributes of the panel of the selected tab. */
export function tabPanel<Value extends string>({ id, value }: TabsState<Value>) {
  return { role: "tabpanel", id: `${id}-panel`, "aria-labelledby": `${id}-${value}`, tabIndex: 0 } as const;
}

export function TabList<Value extends string>({
  state: { id, value },
  label,
  tabs,
  variant,
  onChange,
}: {
  state: TabsState<Value>;
  label: string;
  tabs: readonly Tab<Value>[];
  variant: TabsVariant;
  onChange: (value: Value) => void;
}) {
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent) => {
    const at = tabs.findIndex((tab) => tab.value === value);
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const to = event.key === "Home" ? 0 : event.key === "End" ? tabs.length - 1 : by && (at + by + tabs.length) % tabs.length;
    const next = to === undefined ? undefined : tabs[to];
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    onChange(next.value);
    list.current?.querySelector<HTMLElement>(`#${CSS.escape(`${id}-${next.value}`)}`)?.focus();
  };
  const { list: listClass, tab: tabClass, selected, other } = STYLES[variant];
  return (
    <div ref={list} role="tablist" aria-label={label} className={listClass}>
      {tabs.map((tab) => (
        <button
          key={tab.value}
          type="button"
          role="tab"
          id={`${id}-${tab.value}`}
          aria-selected={tab.value === value}
          aria-controls={tab.value === value ? `${id}-panel` : undefined}
          tabIndex={tab.value === value ? 0 : -1}
          title={tab.title}
          onClick={() => onChange(tab.value)}
          onKeyDown={move}
          className={`${tabClass} transition-colors duration-[120ms] focus-visible:-outline-offset-2 ${tab.value === value ? selected : other}`}
        >
          {tab.label}
        </button>
      ))}
    </div>
  );
}
