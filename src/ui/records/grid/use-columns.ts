/** The columns of an endpoint's grid: those that the user pinned, otherwise those of the first rows. They do not change when rows change. */
"use client";

import { useEffect, useMemo, useState } from "react";
import type { GridRow } from "../../api/record-rows";
import { readSetting, writeSetting } from "../../browser-settings";
import { type ColumnPath, chooseColumns, findCandidates } from "./grid-columns";

export interface Columns {
  columns: readonly ColumnPath[];
  candidates: readonly ColumnPath[];
  /** Undefined resets the columns to those of the rows. */
  pin: (columns: readonly ColumnPath[] | undefined) => void;
}

export function useColumns(endpointId: string, rows: readonly GridRow[]): Columns {
  const setting = `rested-columns-${endpointId}`;
  const [pinned, setPinned] = useState<readonly ColumnPath[]>();
  const [suggested, setSuggested] = useState(() => ({ known: rows.length > 0, columns: chooseColumns(rows) }));
  if (!suggested.known && rows.length > 0) setSuggested({ known: true, columns: chooseColumns(rows) });
  useEffect(() => setPinned(parsePaths(readSetting(setting))), [setting]);
  const candidates = useMemo(() => findCandidates(rows), [rows]);
  return {
    columns: pinned ?? suggested.columns,
    candidates,
    pin: (columns) => {
      setPinned(columns);
      writeSetting(setting, columns && JSON.stringify(columns));
      if (!columns) setSuggested({ known: rows.length > 0, columns: chooseColumns(rows) });
    },
  };
}

/** The stored columns, if they are a valid list of paths. */
function parsePaths(text: string | undefined): readonly ColumnPath[] | undefined {
  try {
    const value: unknown = text === undefined ? undefined : JSON.parse(text);
    return Array.isArray(value) && value.every(isPath) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isPath(value: unknown): value is ColumnPath {
  return Array.isArray(value) && value.every((key) => typeof key === "string");
}
