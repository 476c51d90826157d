/** Selects the records and the format of an export. */
"use client";

import { useState } from "react";
import { CSV_DELIMITERS, type CsvDelimiter, EXPORT_FORMATS, type ExportFormat } from "@/src/shared/record-limits";
import { type GridQuery, ORDER_DEFAULT } from "../../api/record-rows";
import { checkExport, exportNamed, toExportPath } from "../../api/records";
import { Button } from "../../components/button";
import { Dialog, DialogActions } from "../../components/overlay/dialog";
import { saveFile } from "../../components/save-file";
import { Segments } from "../../components/segments";
import { Switch } from "../../components/switch";
import { formatCount } from "../../format/format-number";
import { FormFailure } from "../../forms/form-failure";
import { useAction } from "../../forms/use-action";

type Which = "selected" | "found" | "all";

const LABELS: Readonly<Record<ExportFormat, string>> = { json: "JSON", ndjson: "NDJSON", csv: "CSV" };
const HINTS: Readonly<Record<ExportFormat, string>> = {
  json: "A JSON array, as the API returns it.",
  ndjson: "One record per line. Best for large files and other programs.",
  csv: "A table with one column per path. Text that a spreadsheet would run as a formula is prefixed with an apostrophe. Importing the file restores the records, unless a spreadsheet has saved it: that removes the quotes from text such as 007.",
};

const DELIMITER_LABELS: Readonly<Record<CsvDelimiter, string>> = { comma: "Comma", semicolon: "Semicolon", tab: "Tab" };

interface Props {
  endpointId: string;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  query: GridQuery;
  selected: ReadonlySet<string>;
}

export function ExportDialog({ open, onOpenChange, ...props }: Props) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title="Export records">
      <ExportForm {...props} onDone={() => onOpenChange(false)} />
    </Dialog>
  );
}

function ExportForm({ endpointId, query, selected, onDone }: Omit<Props, "open" | "onOpenChange"> & { onDone: () => void }) {
  const isNarrowed = query.search.trim() !== "" || query.filters.length > 0;
  const [which, setWhich] = useState<Which>(selected.size > 0 ? "selected" : isNarrowed ? "found" : "all");
  const [format, setFormat] = useState<ExportFormat>("json");
  const [isForExcel, setIsForExcel] = useState(false);
  const [delimiter, setDelimiter] = useState<CsvDelimiter>("comma");
  const isTable = format === "csv";
  const form = { format, bom: isTable && isForExcel, delimiter: isTable ? delimiter : undefined };
  const { run, pending, failure } = useAction(async () => {
    if (which === "selected") {
      const { name, blob } = await exportNamed(endpointId, form, [...selected]);
      saveFile(blob, name);
    } else {
      const path = toExportPath(endpointId, form, which === "found" ? query : { search: "", filters: [], order: ORDER_DEFAULT });
      await checkExport(path);
      download(path, "");
    }
    onDone();
  });
  const options: { value: Which; label: string }[] = [{ value: "all", label: "All" }];
  if (isNarrowed) options.unshift({ value: "found", label: "Matching" });
  if (selected.size > 0) options.unshift({ value: "selected", label: `Selected (${formatCount(selected.size)})` });
  return (
    <div className="flex flex-col gap-4">
      {options.length > 1 ? (
        <Segments label="Records" value={which} options={options} onChange={setWhich} />
      ) : (
        <p className="text-muted">All records of this endpoint. Search or select to export a subset.</p>
      )}
      <Segments
        label="Format"
        value={format}
        options={EXPORT_FORMATS.map((value) => ({ value, label: LABELS[value] }))}
        hint={HINTS[format]}
        onChange={setFormat}
      />
      {isTable ? (
        <>
          <Segments
            label="Delimiter"
            value={delimiter}
            options={CSV_DELIMITERS.map((value) => ({ value, label: DELIMITER_LABELS[value] }))}
            hint="Excel expects a semicolon in languages that use a decimal comma."
            onChange={setDelimiter}
          />
          <Switch
            label="For Excel"
            hint="Adds a byte order mark. Without it, Excel shows é as Ã©."
            checked={isForExcel}
            onChange={setIsForExcel}
          />
        </>
      ) : null}
      <FormFailure failure={failure} />
      <DialogActions>
        <Button tone="primary" busy={pending} onClick={() => run()}>
          Export
        </Button>
        <Button onClick={onDone}>Cancel</Button>
      </DialogActions>
    </div>
  );
}

/** An empty `name` uses the one from the server. */
function download(url: string, name: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
}
