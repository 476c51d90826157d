/**
 * The columns of an endpoint's grid: those that the user chose, otherwise those of the first rows. They do not change when rows change. The choice is
 * kept in this browser, because it depends on the screen; a view keeps one for the team.
 */
"use client";

import { useEffect, useMemo, useState } from "react";
import type { GridRow } from "../../api/record-rows";
import { readSetting, writeSetting } from "../../browser-settings";
import { type ColumnPath, chooseColumns, findCandidates } from "./grid-columns";
import { type Layout, parseLayout } from "./grid-layout";

export interface Columns {
  layout: Layout;
  /** False: the layout is that of the rows. */
  isChosen: boolean;
  candidates: readonly ColumnPath[];
  /** Undefined resets the columns to those of the rows. */
  choose: (layout: Layout | undefined) => void;
}

export function useColumns(endpointId: string, rows: readonly GridRow[]): Columns {
  const setting = `rested-columns-${endpointId}`;
  const [chosen, setChosen] = useState<Layout>();
  const [suggested, setSuggested] = useState(() => suggest(rows));
  if (!suggested.known && rows.length > 0) setSuggested(suggest(rows));
  useEffect(() => setChosen(parseLayout(readSetting(setting))), [setting]);
  const candidates = useMemo(() => findCandidates(rows), [rows]);
  return {
    layout: chosen ?? suggested.layout,
    isChosen: chosen !== undefined,
    candidates,
    choose: (layout) => {
      setChosen(layout);
      writeSetting(setting, layout && JSON.stringify(layout));
      if (!layout) setSuggested(suggest(rows));
    },
  };
}

function suggest(rows: readonly GridRow[]): { known: boolean; layout: Layout } {
  return { known: rows.length > 0, layout: { columns: chooseColumns(rows).map((path) => ({ path })), hidden: [] } };
}
