/** Makes files of changes in the worker: of those that the console holds, or of the whole log, which is read page by page. */
import type { ExportFormat } from "@/src/shared/record-limits";
import type { StreamEvent } from "../../stream/stream-event";
import type { LogPage } from "../../stream/stream-message";
import type { Place } from "../log/log-place";
import { ChangeFile } from "./change-file";

/** `matching`: what the console holds and the filter matches. `log`: all that the server has. A number: the change of that ordinal. */
export type ExportScope = "matching" | "log" | number;

export interface ExportRequest {
  scope: ExportScope;
  format: ExportFormat;
}

export type ExportState =
  | { state: "reading"; count: number }
  | { state: "done"; count: number; blob: Blob }
  | { state: "failed"; reason: string }
  | { state: "stopped" };

/** The data of a file is held in memory until it is saved. */
const BYTES_MAX = 512 * 1024 * 1024;

export interface ExportSources {
  /** Oldest first. */
  matching: () => Iterable<StreamEvent>;
  get: (ordinal: number) => StreamEvent | undefined;
  /** The place of a change in the log. */
  placeOf: (event: StreamEvent) => Place;
  /** The name of a change's endpoint, if there are several. */
  toEndpoint?: ((event: StreamEvent) => string) | undefined;
  /** A page of the log before a place, newest first. */
  readPage: (before: Place | undefined) => Promise<{ ok: true; value: LogPage } | { ok: false; reason: string }>;
  isStopped: () => boolean;
  onState: (state: ExportState) => void;
}

/** Reports the states of an export. The last one is not `reading`. Changes are in the order of the log, oldest first. */
export async function exportChanges({ scope, format }: ExportRequest, sources: ExportSources): Promise<void> {
  const { matching, get, onState } = sources;
  if (scope === "log") return exportLog(format, sources);
  const file = new ChangeFile(format, sources.toEndpoint);
  if (scope === "matching") {
    for (const event of matching()) file.add(event);
  } else {
    const event = get(scope);
    if (!event) return onState({ state: "failed", reason: "This change has left the console’s buffer." });
    file.add(event);
  }
  onState({ state: "done", count: file.count, blob: file.toBlob() });
}

async function exportLog(format: ExportFormat, sources: ExportSources): Promise<void> {
  const { readPage, placeOf, isStopped, onState } = sources;
  const pages: (readonly StreamEvent[])[] = [];
  let [count, length, before]: [number, number, Place | undefined] = [0, 0, undefined];
  for (;;) {
    const page = await readPage(before);
    if (isStopped()) return onState({ state: "stopped" });
    if (!page.ok) return onState({ state: "failed", reason: page.reason });
    const { events, more } = page.value;
    pages.push(events);
    count += events.length;
    for (const { data } of events) length += data.length;
    if (length > BYTES_MAX)
      return onState({ state: "failed", reason: "The log is larger than 512 MB. Read it with the management API instead." });
    onState({ state: "reading", count });
    const oldest = events.at(-1);
    before = oldest && placeOf(oldest);
    if (!more || before === undefined) break;
  }
  const file = new ChangeFile(format, sources.toEndpoint);
  for (const events of pages.reverse()) for (const event of events.toReversed()) file.add(event);
  onState({ state: "done", count: file.count, blob: file.toBlob() });
}
