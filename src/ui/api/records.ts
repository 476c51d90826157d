/** Reads and writes records through the management API, as text, which preserves digits and key order. */
import { type InfiniteData, infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type { ImportChecked, Imported, RecordsDeleted } from "@/src/shared/management/schemas";
import type { CsvDelimiter, ExportFormat } from "@/src/shared/record-limits";
import { fetchManage, toAccountHeaders } from "./fetch-manage";
import { type GridPage, type GridQuery, type GridRow, ORDER_DEFAULT, parseGridPage, parseGridRecord, toParameters } from "./record-rows";
import { requestJson } from "./request";
import { readJson, readProblem, rejectPage, toUnreachable } from "./request-error";
import { withSession } from "./session";

const PAGE_RECORDS = 200;

export type GridPages = InfiniteData<GridPage, string | null>;

/** The pages of a query. They are not refetched automatically, because a stream keeps them up to date. */
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

/** One record. Its version is the condition for replacing it. */
export const recordQuery = (endpointId: string, id: string) =>
  queryOptions({
    queryKey: ["record", endpointId, id],
    queryFn: ({ signal }) => readRecord(endpointId, id, signal),
    staleTime: 0,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });

/** One record as a user reads it. Null: the user may not read it, or it does not exist. */
export const viewedRecordQuery = (endpointId: string, id: string, viewAs: string) =>
  queryOptions({
    queryKey: ["record", endpointId, id, viewAs],
    queryFn: async ({ signal }) => {
      const query = { search: "", filters: [], order: ORDER_DEFAULT, viewAs };
      const { rows } = await readPage({ endpointId, query, cursor: null, limit: 1, uniqueIds: [id], signal });
      return rows[0] ?? null;
    },
    staleTime: 0,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });

export async function readPage({
  endpointId,
  query,
  cursor,
  limit = PAGE_RECORDS,
  uniqueIds,
  signal,
}: {
  endpointId: string;
  query: GridQuery;
  cursor: string | null;
  limit?: number;
  /** Only these records. */
  uniqueIds?: readonly string[];
  signal?: AbortSignal | undefined;
}): Promise<GridPage> {
  const parameters = toParameters(query);
  parameters.set("limit", String(limit));
  if (cursor !== null) parameters.set("cursor", cursor);
  if (uniqueIds) parameters.set("uniqueId", uniqueIds.join(","));
  return parseGridPage(await (await fetchManage(`endpoints/${endpointId}/records?${parameters}`, { signal: signal ?? null })).text());
}

export async function readRecord(endpointId: string, id: string, signal?: AbortSignal): Promise<GridRow> {
  return parseGridRecord(await (await fetchManage(`endpoints/${endpointId}/records/${id}`, { signal: signal ?? null })).text());
}

export interface RecordDraft {
  contentType: "json" | "text";
  text: string;
}

/** Returns the id of the new record. */
export async function createRecord(endpointId: string, draft: RecordDraft): Promise<string> {
  const response = await fetchManage(`endpoints/${endpointId}/records`, { method: "POST", ...toBody(draft) });
  const { uniqueId } = await readJson<{ uniqueId: string }>(response);
  return uniqueId;
}

/**
 * Replaces the record if it still has that version; otherwise throws a RequestError `version_conflict`. Returns the stored record from the
 * response: if a second request failed, the change would look as if it had not been made.
 */
export async function replaceRecord(
  endpointId: string,
  { id, version, owner }: Pick<GridRow, "id" | "version" | "owner">,
  draft: RecordDraft,
): Promise<GridRow> {
  const { body, headers } = toBody(draft);
  const ifMatch = { "If-Match": `"${version}"` };
  const response = await fetchManage(`endpoints/${endpointId}/records/${id}`, { method: "PUT", body, headers: { ...headers, ...ifMatch } });
  const stored = parseGridRecord(await response.text().catch(() => Promise.reject(toUnreachable())));
  const newVersion = Number(/^(?:W\/)?"(\d+)/.exec(response.headers.get("etag") ?? "")?.[1] ?? version + 1);
  return { ...stored, version: newVersion, contentType: draft.contentType, owner };
}

/** Returns the number of deleted records. */
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
  /** Start with a byte order mark. For CSV only. */
  bom: boolean;
  /** For CSV only. */
  delimiter: CsvDelimiter | undefined;
}

/** The URL path from which an export of a query is downloaded. */
export function toExportPath(endpointId: string, { format, bom, delimiter }: ExportForm, query: GridQuery): string {
  const parameters = toParameters(query);
  if (bom) parameters.set("bom", "true");
  if (delimiter !== undefined) parameters.set("delimiter", delimiter);
  // Files are in the order of creation by default.
  if (!parameters.has("order")) parameters.set("order", "created");
  parameters.set("format", format);
  return `/api/manage/endpoints/${endpointId}/export?${parameters}`;
}

/** Exports the named records. */
export async function exportNamed(
  endpointId: string,
  form: ExportForm,
  uniqueIds: readonly string[],
): Promise<{ name: string; blob: Blob }> {
  const headers = { "Content-Type": "application/json" };
  const response = await fetchManage(`endpoints/${endpointId}/export`, {
    method: "POST",
    headers,
    body: JSON.stringify({ ...form, uniqueIds }),
  });
  const name = /filename="([^"]+)"/.exec(response.headers.get("content-disposition") ?? "")?.[1] ?? `records.${form.format}`;
  return { name, blob: await response.blob() };
}

/** Throws the error that an export would cause, without downloading the file. */
export async function checkExport(path: string): Promise<void> {
  const init = { cache: "no-store", headers: toAccountHeaders() } as const;
  await withSession("ask", async () => {
    const response = await fetch(path, { ...init, method: "HEAD" }).catch(() => Promise.reject(toUnreachable()));
    rejectPage(response);
    if (!response.ok) throw await readProblem(await fetch(path, init).catch(() => Promise.reject(toUnreachable())));
  });
}

export interface ImportFile {
  endpointId: string;
  file: Blob;
  contentType: string;
  /** Undefined: detected from the file. */
  charset: string | undefined;
  /** Called with the part of the file that was sent, from 0 to 1. */
  onProgress: (part: number) => void;
  signal: AbortSignal;
}

/** Checks a file without importing it. */
export const checkImport = (request: ImportFile): Promise<ImportChecked> =>
  withSession("ask", () => upload<ImportChecked>({ ...request, check: true }), request.signal);

export const importFile = (request: ImportFile): Promise<Imported> =>
  withSession("ask", () => upload<Imported>({ ...request, check: false }), request.signal);

/** Uses XMLHttpRequest, because `fetch` does not report upload progress. */
function upload<Body>(upload: ImportFile & { check: boolean }): Promise<Body> {
  const { endpointId, file, contentType, charset, onProgress, signal, check } = upload;
  const query = new URLSearchParams({ ...(check ? { check: "true" } : {}), ...(charset === undefined ? {} : { charset }) });
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/manage/endpoints/${endpointId}/import?${query}`);
    request.setRequestHeader("Content-Type", contentType);
    for (const [name, value] of Object.entries(toAccountHeaders())) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => onProgress(total === 0 ? 1 : loaded / total);
    request.onerror = () => reject(toUnreachable());
    request.onabort = () => reject(new DOMException("The import was cancelled.", "AbortError"));
    request.onload = () => {
      const { status, responseText } = request;
      const headers = { "content-type": request.getResponseHeader("content-type") ?? "" };
      const response = new Response(responseText, { status, headers });
      (response.ok ? readJson<Body>(response) : readProblem(response).then((problem) => Promise.reject(problem))).then(resolve, reject);
    };
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}

function toBody({ contentType, text }: RecordDraft): { body: string; headers: Record<string, string> } {
  return { body: text, headers: { "Content-Type": contentType === "text" ? "text/plain" : "application/json" } };
}
