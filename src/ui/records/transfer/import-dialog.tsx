/** Imports records from a file: choose, check, import. */
"use client";

import { useEffect, useRef, useState } from "react";
import type { ImportChecked } from "@/src/shared/management/schemas";
import { IMPORT_BYTES_MAX } from "@/src/shared/record-limits";
import { checkImport, type ImportFile, importFile } from "../../api/records";
import { RequestError, toRequestError } from "../../api/request-error";
import { Button } from "../../components/button";
import { Dialog, DialogActions } from "../../components/overlay/dialog";
import { formatBytes, formatPlural } from "../../format/format-number";
import { FormFailure } from "../../forms/form-failure";
import { notify } from "../../notifications/notify";
import { FilePicker } from "./file-picker";
import { ImportCharset } from "./import-charset";

interface Props {
  endpointId: string;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onImported: () => void;
}

export function ImportDialog({ open, onOpenChange, ...props }: Props) {
  return (
    <Dialog
      wide
      open={open}
      onOpenChange={onOpenChange}
      title="Import records"
      description="From CSV, NDJSON or a JSON array. Either all records are imported or none."
    >
      <ImportSteps {...props} onClose={() => onOpenChange(false)} />
    </Dialog>
  );
}

type Step =
  | { step: "choose" }
  /** `charset`: the chosen encoding; undefined: detected from the file. */
  | { step: "checking"; file: File; charset: string | undefined; part: number }
  /** Another encoding can solve the problem. */
  | { step: "rejected"; file: File; charset: string | undefined }
  | { step: "ready"; file: File; checked: ImportChecked }
  | { step: "importing"; file: File; checked: ImportChecked; part: number };

function ImportSteps({ endpointId, onImported, onClose }: Omit<Props, "open" | "onOpenChange"> & { onClose: () => void }) {
  const [state, setState] = useState<Step>({ step: "choose" });
  const [failure, setFailure] = useState<RequestError>();
  const abort = useRef<AbortController>(undefined);
  useEffect(() => () => abort.current?.abort(), []);

  const work = async (
    begin: (part: number) => Step,
    run: (file: Omit<ImportFile, "file" | "contentType" | "charset">) => Promise<Step>,
    back: Step,
  ) => {
    // The user can choose another encoding while the file is being checked.
    abort.current?.abort();
    const current = new AbortController();
    abort.current = current;
    setFailure(undefined);
    setState(begin(0));
    try {
      setState(await run({ endpointId, onProgress: (part) => setState(begin(part)), signal: current.signal }));
    } catch (error) {
      if (current.signal.aborted) return;
      setFailure(toRequestError(error));
      setState(back);
    }
  };
  const check = (file: File, contentType: string, charset?: string) =>
    void work(
      (part) => ({ step: "checking", file, charset, part }),
      async (request) => ({ step: "ready", file, checked: await checkImport({ ...request, file, contentType, charset }) }),
      { step: "rejected", file, charset },
    );
  const choose = (file: File) => {
    const contentType = toContentType(file.name);
    const problem = toFileProblem(file, contentType);
    if (contentType !== undefined && problem === undefined) return check(file, contentType);
    setState({ step: "choose" });
    setFailure(new RequestError({ code: "fields_invalid", status: 400, requestId: undefined, detail: problem ?? "" }));
  };
  const store = ({ file, checked }: Step & { step: "ready" }) =>
    void work(
      (part) => ({ step: "importing", file, checked, part }),
      async (request) => {
        const { charset } = checked;
        const { imported } = await importFile({ ...request, file, contentType: toContentType(file.name) ?? "", charset });
        notify(`Imported ${formatPlural(imported, "record")}.`);
        onImported();
        onClose();
        return { step: "choose" };
      },
      { step: "ready", file, checked },
    );
  const startOver = () => {
    setFailure(undefined);
    setState({ step: "choose" });
  };

  return (
    <div className="flex flex-col gap-4">
      {state.step === "choose" ? (
        <FilePicker
          label="Choose a file"
          hint={`CSV, NDJSON or JSON, up to ${formatBytes(IMPORT_BYTES_MAX)}. The first line of a CSV file names the columns.`}
          accept=".csv,.tsv,.txt,.ndjson,.jsonl,.json"
          onFiles={([file]) => file && choose(file)}
        />
      ) : (
        <div className="flex flex-wrap items-baseline justify-between gap-x-4">
          <span className="font-medium wrap-anywhere">{state.file.name}</span>
          <span className="text-muted">{formatBytes(state.file.size)}</span>
        </div>
      )}
      {state.step === "checking" || state.step === "importing" ? (
        <Progress part={state.part} what={state.step === "checking" ? "Checking the file" : "Importing"} />
      ) : null}
      {hasCharset(state, failure) ? (
        <ImportCharset
          value={state.step === "ready" ? state.checked.charset : state.charset}
          isGuess={state.step === "ready" && state.checked.guessed}
          onChange={(charset) => check(state.file, toContentType(state.file.name) ?? "", charset)}
        />
      ) : null}
      {state.step === "ready" ? <Preview checked={state.checked} /> : null}
      <FormFailure failure={failure} />
      <DialogActions>
        {state.step === "ready" || state.step === "importing" ? (
          <Button tone="primary" busy={state.step === "importing"} onClick={() => state.step === "ready" && store(state)}>
            Import {formatPlural(state.checked.records, "record")}
          </Button>
        ) : null}
        {state.step === "ready" || state.step === "rejected" ? (
          <Button onClick={startOver}>Choose another file</Button>
        ) : (
          <Button onClick={onClose}>Cancel</Button>
        )}
      </DialogActions>
    </div>
  );
}

/** True if the encoding can be chosen: after the first check, and only if it can solve the problem. */
function hasCharset(state: Step, failure: RequestError | undefined): state is Step & { step: "checking" | "rejected" | "ready" } {
  switch (state.step) {
    case "ready":
      return true;
    case "checking":
      return state.charset !== undefined;
    case "rejected":
      return failure?.code === "body_invalid";
    case "choose":
    case "importing":
      return false;
  }
}

/** The progress of the upload. After that, the duration is unknown. */
function Progress({ part, what }: { part: number; what: string }) {
  return (
    <div role="status" className="flex flex-col gap-1.5">
      <span className="text-muted">{part < 1 ? "Uploading…" : `${what}…`}</span>
      <progress
        aria-label={what}
        max={1}
        {...(part < 1 ? { value: part } : {})}
        className="h-1.5 w-full appearance-none overflow-hidden rounded-full bg-inset accent-text [&::-webkit-progress-bar]:bg-inset [&::-webkit-progress-value]:bg-text"
      />
    </div>
  );
}

function Preview({ checked: { records, first, samples } }: { checked: ImportChecked }) {
  return (
    <div className="flex min-w-0 flex-col gap-1.5">
      <p>
        {formatPlural(records, "record")}, no errors. {first.length < records ? "The first ones:" : ""}
      </p>
      <RecordList records={first} />
      {samples.length > 0 ? (
        <>
          <p>More records with letters that depend on the encoding:</p>
          <RecordList records={samples} />
        </>
      ) : null}
    </div>
  );
}

function RecordList({ records }: { records: readonly unknown[] }) {
  return (
    <ol className="flex max-h-56 flex-col divide-y divide-line overflow-y-auto rounded-md border border-line bg-inset font-mono text-data">
      {records.map((data, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they have no id yet, and their order does not change
        <li key={index} className="line-clamp-3 shrink-0 px-3 py-1.5 leading-5 wrap-anywhere">
          {JSON.stringify(data)}
        </li>
      ))}
    </ol>
  );
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  csv: "text/csv",
  tsv: "text/csv",
  // Excel's Unicode text is a table. Other text files can be anything.
  txt: "text/plain",
  ndjson: "application/x-ndjson",
  jsonl: "application/x-ndjson",
  json: "application/json",
};

function toContentType(name: string): string | undefined {
  return CONTENT_TYPES[/\.(\w+)$/.exec(name)?.[1]?.toLowerCase() ?? ""];
}

function toFileProblem({ size }: File, contentType: string | undefined): string | undefined {
  if (contentType === undefined) return "Choose a file that ends in .csv, .tsv, .txt, .ndjson, .jsonl or .json.";
  if (size > IMPORT_BYTES_MAX) return `This file is ${formatBytes(size)}. Split it into parts of up to ${formatBytes(IMPORT_BYTES_MAX)}.`;
  return undefined;
}
