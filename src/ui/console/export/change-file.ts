/** Files of changes, in the form of the management API's log. Pure, except for the Blob. */
import type { ExportFormat } from "@/src/shared/record-limits";
import { isMarkKind, type StreamEvent } from "../../stream/stream-event";
import { toChangeType } from "../../stream/stream-message";

const TYPES: Readonly<Record<ExportFormat, string>> = {
  json: "application/json",
  ndjson: "application/x-ndjson",
  csv: "text/csv;charset=utf-8",
};
const CSV_COLUMNS = "seq,type,at,uniqueId,createdAt,updatedAt,data\r\n";

/** Collects changes and makes a file of them, in the order in which they were added. Marks are left out. */
export class ChangeFile {
  readonly #format: ExportFormat;
  readonly #toEndpoint: ((event: StreamEvent) => string) | undefined;
  readonly #parts: string[] = [];
  #count = 0;

  /** `toEndpoint`: the name of a change's endpoint, if the file has changes of several. */
  constructor(format: ExportFormat, toEndpoint?: (event: StreamEvent) => string) {
    this.#format = format;
    this.#toEndpoint = toEndpoint;
  }

  get count(): number {
    return this.#count;
  }

  add(event: StreamEvent): void {
    if (isMarkKind(event.kind)) return;
    const endpoint = this.#toEndpoint?.(event);
    const text = this.#format === "csv" ? toCsvRow(event, endpoint) : toChangeText(event, endpoint);
    this.#parts.push(
      this.#format === "json" ? `${this.#count === 0 ? "\n" : ",\n"}${text}` : this.#format === "ndjson" ? `${text}\n` : text,
    );
    this.#count += 1;
  }

  toBlob(): Blob {
    const [head, foot] = { json: ["[", "\n]\n"], ndjson: ["", ""], csv: [`${this.#toEndpoint ? "endpoint," : ""}${CSV_COLUMNS}`, ""] }[
      this.#format
    ];
    return new Blob([head ?? "", ...this.#parts, foot ?? ""], { type: TYPES[this.#format] });
  }
}

/** The change as the log has it, on one line: JSON text may contain line breaks, but only between values. */
function toChangeText({ kind, seq, atMs, recordId, createdMs, updatedMs, data }: StreamEvent, endpoint: string | undefined): string {
  const record = `{"uniqueId":"${recordId}","data":${toOneLine(data)},"createdAt":"${toIso(createdMs)}","updatedAt":"${toIso(updatedMs)}"}`;
  return `{${endpoint === undefined ? "" : `"endpoint":${JSON.stringify(endpoint)},`}"seq":${seq},"type":"${toChangeType(kind)}","at":"${toIso(atMs)}","record":${record}}`;
}

function toCsvRow({ kind, seq, atMs, recordId, createdMs, updatedMs, data }: StreamEvent, endpoint: string | undefined): string {
  const cells = [String(seq), toChangeType(kind) ?? "", toIso(atMs), recordId, toIso(createdMs), toIso(updatedMs), toCell(data)];
  return `${endpoint === undefined ? "" : `${endpoint},`}${cells.join(",")}\r\n`;
}

/** JSON text never starts with a character that a spreadsheet runs as a formula, except for negative numbers, which are numbers there too. */
function toCell(data: string): string {
  return /[",;\s]/.test(data) ? `"${data.replaceAll('"', '""')}"` : data;
}

function toOneLine(data: string): string {
  return data.replace(/[\r\n]+/g, " ");
}

function toIso(ms: number): string {
  return new Date(ms).toISOString();
}
