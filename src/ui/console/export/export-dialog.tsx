/** Selects which changes to export, and the format of the file. */
"use client";

import { useEffect, useRef, useState } from "react";
import { EXPORT_FORMATS, type ExportFormat } from "@/src/shared/record-limits";
import { Button } from "../../components/button";
import { Dialog, DialogActions } from "../../components/overlay/dialog";
import { saveFile } from "../../components/save-file";
import { Segments } from "../../components/segments";
import { formatCount, formatPlural } from "../../format/format-number";
import { notify } from "../../notifications/notify";
import type { ConsoleClient } from "../engine/console-client";
import type { ExportScope } from "./export-changes";

const LABELS: Readonly<Record<ExportFormat, string>> = { json: "JSON", ndjson: "NDJSON", csv: "CSV" };
const HINTS: Readonly<Record<ExportFormat, string>> = {
  json: "One array, with each change as the log has it.",
  ndjson: "One change per line. Best for large files and other programs.",
  csv: "One row per change, with its data as JSON in one column.",
};

type Which = "selected" | "matching" | "log";

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  client: ConsoleClient | undefined;
  endpointName: string;
  /** Matching changes in the console. */
  matched: number;
  isFiltered: boolean;
  /** The ordinal of the selected change. */
  selected: number | undefined;
}

export function ExportDialog({ open, onOpenChange, ...props }: Props) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title="Export changes">
      {open ? <ExportForm {...props} onDone={() => onOpenChange(false)} /> : null}
    </Dialog>
  );
}

function ExportForm({
  client,
  endpointName,
  matched,
  isFiltered,
  selected,
  onDone,
}: Omit<Props, "open" | "onOpenChange"> & { onDone: () => void }) {
  const [which, setWhich] = useState<Which>(selected === undefined ? "matching" : "selected");
  const [format, setFormat] = useState<ExportFormat>("ndjson");
  const [count, setCount] = useState<number>();
  const [failure, setFailure] = useState<string>();
  const stop = useRef<() => void>(undefined);
  useEffect(() => () => stop.current?.(), []);
  const isBusy = count !== undefined;
  const start = () => {
    const scope: ExportScope = which === "selected" ? (selected ?? "matching") : which;
    setFailure(undefined);
    setCount(0);
    stop.current = client?.export({ scope, format }, (state) => {
      if (state.state === "reading") return setCount(state.count);
      setCount(undefined);
      stop.current = undefined;
      if (state.state === "failed") setFailure(state.reason);
      if (state.state !== "done") return;
      saveFile(state.blob, `${endpointName.replaceAll("/", "-")}-changes-${new Date().toISOString().slice(0, 10)}.${format}`);
      notify(`Exported ${formatPlural(state.count, "change")}.`);
      onDone();
    });
  };
  const options: { value: Which; label: string }[] = [
    ...(selected === undefined ? [] : [{ value: "selected" as const, label: "Selected" }]),
    { value: "matching", label: `${isFiltered ? "Matching" : "Loaded"} (${formatCount(matched)})` },
    { value: "log", label: "Whole log" },
  ];
  return (
    <div className="flex flex-col gap-4">
      <Segments
        label="Changes"
        value={which}
        options={options}
        hint={which === "log" ? "All changes that the server has, without the filter. They are read page by page." : undefined}
        onChange={setWhich}
      />
      <Segments
        label="Format"
        value={format}
        options={EXPORT_FORMATS.map((value) => ({ value, label: LABELS[value] }))}
        hint={HINTS[format]}
        onChange={setFormat}
      />
      <div role="status" className="text-muted empty:hidden">
        {isBusy && count > 0 ? `Read ${formatPlural(count, "change")}…` : null}
      </div>
      {failure ? (
        <p role="alert" className="text-delete">
          {failure}
        </p>
      ) : null}
      <DialogActions>
        <Button tone="primary" busy={isBusy} onClick={start}>
          Export
        </Button>
        <Button
          onClick={() => {
            if (isBusy) stop.current?.();
            else onDone();
          }}
        >
          {isBusy ? "Stop" : "Cancel"}
        </Button>
      </DialogActions>
    </div>
  );
}
