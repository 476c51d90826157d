/** Asks for records as text, so that digits and key order stay, and writes them. It must hold no state. */
import { type InfiniteData, infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type { ImportChecked, Imported, RecordsDeleted } from "@/src/shared/management/schemas";
import type { CsvDelimiter, ExportFormat } from "@/src/shared/record-limits";
import { type GridPage, type GridQuery, type GridRow, parseGridPage, parseGridRecord, toParameters } from "./record-rows";
import { requestJson } from "./request";
import { readJson, readProblem, refusePage, toUnreachable } from "./request-error";

const PAGE_RECORDS = 200;

export type GridPages = InfiniteData<GridPage, string | null>;

/** The pages of a query, in its order. They are not asked for again by themselves: changes are heard of. */
export const recordsQuery = (endpointId: string, query: GridQuery) =>
  infiniteQueryOptions<GridPage, Error, GridPages, readonly unknown[], string | null>({
    queryKey: ["records", endpointId, query],
    queryFn: ({ pageParam, signal }) => readPage({ endpointId, query, cursor: pageParam, signal }),
    initialPageParam: null,
    getNextPageParam: ({ next }) => next,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });

/** One record as it is now: its version is what a change of it is held against. */
export const recordQuery = (endpointId: string, id: string) =>
  queryOptions({
    queryKey: ["record", endpointId, id],
    queryFn: ({ signal }) => readRecord(endpointId, id, signal),
    staleTime: 0,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });

export async function readPage({
  endpointId,
  query,
  cursor,
  limit = PAGE_RECORDS,
  signal,
}: {
  endpointId: string;
  query: GridQuery;
  cursor: string | null;
  limit?: number;
  signal?: AbortSignal | undefined;
}): Promise<GridPage> {
  const parameters = toParameters(query);
  parameters.set("limit", String(limit));
  if (cursor !== null) parameters.set("cursor", cursor);
  return parseGridPage(await (await send(`endpoints/${endpointId}/records?${parameters}`, { signal: signal ?? null })).text());
}

export async function readRecord(endpointId: string, id: string, signal?: AbortSignal): Promise<GridRow> {
  return parseGridRecord(await (await send(`endpoints/${endpointId}/records/${id}`, { signal: signal ?? null })).text());
}

export interface RecordDraft {
  contentType: "json" | "text";
  text: string;
}

/** Answers the new record's id. */
export async function createRecord(endpointId: string, draft: RecordDraft): Promise<string> {
  const response = await send(`endpoints/${endpointId}/records`, { method: "POST", ...toBody(draft) });
  const { uniqueId } = await readJson<{ uniqueId: string }>(response);
  return uniqueId;
}

/**
 * Replaces the record if it still is of that version; else throws a RequestError `version_conflict`. Returns it as it was stored, from the answer
 * itself: a second request could fail, and the change would look as if it had not been made.
 */
export async function replaceRecord(
  endpointId: string,
  { id, version, owner }: Pick<GridRow, "id" | "version" | "owner">,
  draft: RecordDraft,
): Promise<GridRow> {
  const { body, headers } = toBody(draft);
  const ifMatch = { "If-Match": `"${version}"` };
  const response = await send(`endpoints/${endpointId}/records/${id}`, { method: "PUT", body, headers: { ...headers, ...ifMatch } });
  const stored = parseGridRecord(await response.text().catch(() => Promise.reject(toUnreachable())));
  const newVersion = Number(/^(?:W\/)?"(\d+)/.exec(response.headers.get("etag") ?? "")?.[1] ?? version + 1);
  return { ...stored, version: newVersion, contentType: draft.contentType, owner };
}

/** Answers how many there still were. */
export async function deleteRecords(endpointId: string, uniqueIds: readonly string[]): Promise<number> {
  let count = 0;
  for (let start = 0; start < uniqueIds.length; start += DELETE_BATCH) {
    const body = { uniqueIds: uniqueIds.slice(start, start + DELETE_BATCH) };
    const { deleted } = await requestJson<RecordsDeleted>(`endpoints/${endpointId}/records/delete`, { method: "POST", body });
    count += deleted;
  }
  return count;
}

const DELETE_BATCH = 1000;

export interface ExportForm {
  format: ExportFormat;
  /** Begin with a byte order mark: CSV alone. */
  bom: boolean;
  /** Of CSV alone. */
  delimiter: CsvDelimiter | undefined;
}

/** Where an export of what a query selects is downloaded from. */
export function toExportPath(endpointId: string, { format, bom, delimiter }: ExportForm, query: GridQuery): string {
  const parameters = toParameters(query);
  if (bom) parameters.set("bom", "true");
  if (delimiter !== undefined) parameters.set("delimiter", delimiter);
  // The file is in order of creation unless another order was chosen.
  if (!parameters.has("order")) parameters.set("order", "created");
  parameters.set("format", format);
  return `/api/manage/endpoints/${endpointId}/export?${parameters}`;
}

/** The file of the named records. */
export async function exportNamed(
  endpointId: string,
  form: ExportForm,
  uniqueIds: readonly string[],
): Promise<{ name: string; blob: Blob }> {
  const headers = { "Content-Type": "application/json" };
  const response = await send(`endpoints/${endpointId}/export`, {
    method: "POST",
    headers,
    body: JSON.stringify({ ...form, uniqueIds }),
  });
  const name = /filename="([^"]+)"/.exec(response.headers.get("content-disposition") ?? "")?.[1] ?? `records.${form.format}`;
  return { name, blob: await response.blob() };
}

/** Raises what an export would, without its file. */
export async function checkExport(path: string): Promise<void> {
  const found = await fetch(path, { method: "HEAD", cache: "no-store" }).catch(() => Promise.reject(toUnreachable()));
  refusePage(found);
  if (!found.ok) throw await readProblem(await fetch(path, { cache: "no-store" }).catch(() => Promise.reject(toUnreachable())));
}

export interface ImportFile {
  endpointId: string;
  file: Blob;
  contentType: string;
  /** Undefined: what the file says. */
  charset: string | undefined;
  /** Hears which part of the file is on its way, from 0 to 1. */
  onProgress: (part: number) => void;
  signal: AbortSignal;
}

/** What an import of the file would do. */
export const checkImport = (request: ImportFile): Promise<ImportChecked> => upload<ImportChecked>({ ...request, check: true });

export const importFile = (request: ImportFile): Promise<Imported> => upload<Imported>({ ...request, check: false });

/** By XMLHttpRequest: `fetch` can't tell how much was sent. */
function upload<Answer>(upload: ImportFile & { check: boolean }): Promise<Answer> {
  const { endpointId, file, contentType, charset, onProgress, signal, check } = upload;
  const query = new URLSearchParams({ ...(check ? { check: "true" } : {}), ...(charset === undefined ? {} : { charset }) });
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/manage/endpoints/${endpointId}/import?${query}`);
    request.setRequestHeader("Content-Type", contentType);
    request.upload.onprogress = ({ loaded, total }) => onProgress(total === 0 ? 1 : loaded / total);
    request.onerror = () => reject(toUnreachable());
    request.onabort = () => reject(new DOMException("The import was cancelled.", "AbortError"));
    request.onload = () => {
      const { status, responseText } = request;
      const headers = { "content-type": request.getResponseHeader("content-type") ?? "" };
      const response = new Response(responseText, { status, headers });
      (response.ok ? readJson<Answer>(response) : readProblem(response).then((problem) => Promise.reject(problem))).then(resolve, reject);
    };
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}

function toBody({ contentType, text }: RecordDraft): { body: string; headers: Record<string, string> } {
  return { body: text, headers: { "Content-Type": contentType === "text" ? "text/plain" : "application/json" } };
}

async function send(path: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(`/api/manage/${path}`, { credentials: "same-origin", cache: "no-store", ...init }).catch(
    (error: unknown) => {
      throw error instanceof DOMException && error.name === "AbortError" ? error : toUnreachable();
    },
  );
  refusePage(response);
  if (!response.ok) throw await readProblem(response);
  return response;
}
