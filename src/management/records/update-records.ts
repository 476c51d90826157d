/** Changes fields of all records that match a query, in batches (G40), and of named records (G41). */

import { readJsonItems } from "@/src/core/json/items";
import type { RecordStore } from "@/src/core/records/ports";
import type { Db } from "@/src/db/client";
import type { RecordSearch } from "@/src/db/records/record-search";
import { AppError, isAppError } from "@/src/shared/errors";
import {
  EDITED_RECORDS_MAX,
  PREVIEW_RECORDS,
  type RecordsEdit,
  type RecordsPreview,
  type RecordsUpdate,
  type RecordsUpdated,
} from "@/src/shared/management/record-edits";
import { requireOwnTarget } from "../ownership";
import { isTimeout } from "../search/query-errors";
import { applyEdits, type EditPorts, type EditResult, type EditTarget, editRow, toEditError } from "./apply-edits";
import { readMemberText, refuse, toFieldEdits } from "./field-changes";
import { type RecordRow, readRecordPage, readRecordPages, toGridRecordText } from "./read-record-page";
import { parseRecordQuery, type RecordPlace, type RecordQuery, toCountStatement } from "./record-query";

const LIMIT_DEFAULT = 100;
/** The time limit of counting what matches. */
const COUNT_MS = 3_000;
/** How often a record that changes meanwhile is read and tried again. */
const ATTEMPTS_MAX = 3;

interface Request extends EditPorts {
  db: Pick<Db, "endpoint">;
  store: Pick<RecordStore, "commit">;
  search: RecordSearch;
  ownerId: string;
  endpointId: string;
  /** The JSON text of the body, which has the values as sent. */
  text: string;
}

/**
 * Changes the next batch of the records that match. Records that are created after the first batch are left out. Records that change meanwhile are
 * read and changed again if they still match. Throws `not_found`, `fields_invalid`, `method_not_allowed` for e-mails, and what {@link applyEdits} throws.
 */
export async function updateRecords({ body, ...request }: Request & { body: RecordsUpdate }): Promise<RecordsUpdated> {
  const { search, ownerId, endpointId } = request;
  const target = await requireEditable(request);
  const edits = await toFieldEdits(body.changes, {
    changesText: readMemberText(request.text, "changes"),
    kind: target.kind,
    at: "changes",
  });
  const query = toQuery(body);
  const { after, upto } = parseCursor(body.cursor);
  const read = { search, accountId: ownerId, endpointId };
  const page = await readRecordPage({ ...read, query: { ...query, limit: body.limit ?? LIMIT_DEFAULT, after }, uptoSeq: upto });
  const done: EditResult[] = [];
  let rows: readonly RecordRow[] = page.rows;
  for (let attempt = 1; rows.length > 0; attempt += 1) {
    const results = await applyEdits(
      request,
      target,
      rows.map((row) => ({ row, edits })),
    );
    const conflicts = new Set(attempt < ATTEMPTS_MAX ? results.filter(isConflict).map(({ row }) => row.uniqueId) : []);
    done.push(...results.filter(({ row }) => !conflicts.has(row.uniqueId)));
    if (conflicts.size === 0) break;
    // Deleted records and those that no longer match are not read again.
    rows = (await readRecordPage({ ...read, query: { ...query, uniqueIds: [...conflicts], limit: conflicts.size, after: null } })).rows;
  }
  return {
    updated: done.filter(({ outcome }) => outcome === "updated").length,
    unchanged: done.filter(({ outcome }) => outcome === "unchanged").length,
    failed: done.flatMap((result) =>
      result.outcome === "failed" && result.error.code !== "record_not_found"
        ? [{ uniqueId: result.row.uniqueId, error: toEditError(result.error) }]
        : [],
    ),
    next: page.next === null ? null : `${page.next.seq}-${upto ?? page.seq}`,
  };
}

/** Returns the JSON text of recordsPreviewedSchema. Changes nothing. Throws as {@link updateRecords} does. */
export async function previewUpdate({ body, ...request }: Request & { body: RecordsPreview }): Promise<string> {
  const { search, ownerId, endpointId } = request;
  const target = await requireEditable(request);
  const edits = await toFieldEdits(body.changes, {
    changesText: readMemberText(request.text, "changes"),
    kind: target.kind,
    at: "changes",
  });
  const query = toQuery(body);
  const { rows } = await readRecordPage({
    search,
    accountId: ownerId,
    endpointId,
    query: { ...query, limit: PREVIEW_RECORDS, after: null },
  });
  const first: string[] = [];
  for (const row of rows) {
    const head = `{"uniqueId":"${row.uniqueId}","before":${row.data}`;
    try {
      first.push(`${head},"after":${await editRow(request, target, { row, edits })},"error":null}`);
    } catch (error) {
      if (!isAppError(error) || error.entry.status >= 500) throw error;
      first.push(`${head},"error":${JSON.stringify(toEditError(error))}}`);
    }
  }
  const matching = await countRecords({ search, accountId: ownerId, endpointId, query });
  return `{"matching":${matching},"first":[${first.join(",")}]}`;
}

/**
 * Changes named records that still have the version that the client read. The others are reported with `version_conflict` and their current state.
 * Returns the JSON text of recordsEditedSchema. Throws as {@link updateRecords} does.
 */
export async function editRecords({ body, ...request }: Request & { body: RecordsEdit }): Promise<string> {
  const { search, ownerId, endpointId } = request;
  const target = await requireEditable(request);
  const texts = [...readJsonItems(readMemberText(request.text, "records"))].map((item) => readMemberText(item.text, "changes"));
  const wanted = new Map<string, { version: number; edits: Awaited<ReturnType<typeof toFieldEdits>> }>();
  for (const [index, { uniqueId, version, changes }] of body.records.entries()) {
    if (wanted.has(uniqueId)) throw refuse(`records.${index}.uniqueId`, "List each record once.");
    const context = { changesText: texts[index] ?? "[]", kind: target.kind, at: `records.${index}.changes` };
    wanted.set(uniqueId, { version, edits: await toFieldEdits(changes, context) });
  }
  const query: RecordQuery = { order: "created", search: null, filters: [], uniqueIds: [...wanted.keys()] };
  const results = new Map<string, EditResult>();
  const pages = readRecordPages({ search, accountId: ownerId, endpointId, query: { ...query, limit: EDITED_RECORDS_MAX, after: null } });
  for await (const rows of pages) {
    const current = rows.filter((row) => row.version === wanted.get(row.uniqueId)?.version);
    for (const row of rows) results.set(row.uniqueId, { outcome: "failed", row, error: new AppError("version_conflict") });
    const applied = await applyEdits(
      request,
      target,
      current.map((row) => ({ row, edits: wanted.get(row.uniqueId)?.edits ?? [] })),
    );
    for (const result of applied) results.set(result.row.uniqueId, result);
  }
  return `{"results":[${[...wanted.keys()].map((id) => toResultText(id, results.get(id))).join(",")}]}`;
}

function toResultText(uniqueId: string, result: EditResult | undefined): string {
  const error = !result ? new AppError("record_not_found") : result.outcome === "failed" ? result.error : undefined;
  const isGone = !result || error?.code === "record_not_found";
  const record = isGone ? "null" : toGridRecordText(result.row);
  const outcome = result?.outcome ?? "failed";
  return `{"uniqueId":"${uniqueId}","outcome":"${outcome}","record":${record},"error":${error ? JSON.stringify(toEditError(error)) : "null"}}`;
}

async function requireEditable({ db, ownerId, endpointId }: Pick<Request, "db" | "ownerId" | "endpointId">): Promise<EditTarget> {
  const target = await requireOwnTarget({ db, ownerId, endpointId });
  if (target.kind === "email")
    throw new AppError("method_not_allowed", {
      detail: "Records of e-mail endpoints are written by sending mails: POST to the endpoint itself.",
    });
  return { ...target, endpointId, ownerId };
}

/** The query of the records that match, by creation. The problems are those of fields. */
function toQuery({ search = "", filter = [], uniqueIds }: RecordsPreview): RecordQuery {
  const parameters = new URLSearchParams({ search });
  for (const each of filter) parameters.append("filter", each);
  try {
    return { ...parseRecordQuery(parameters, "created"), uniqueIds: uniqueIds ? [...new Set(uniqueIds)] : null };
  } catch (error) {
    if (isAppError(error) && error.code === "parameter_invalid" && error.fields)
      throw new AppError("fields_invalid", { detail: error.message, fields: { ...error.fields } });
    throw error;
  }
}

const CURSOR = /^(\d{1,18})-(\d{1,18})$/;

/** The seq after which the batch begins, and the last one that belongs to the update. */
function parseCursor(text: string | undefined): { after: RecordPlace | null; upto: string | null } {
  if (text === undefined) return { after: null, upto: null };
  const [, after, upto] = CURSOR.exec(text) ?? [];
  if (after === undefined || upto === undefined) throw refuse("cursor", "Use the next of the batch before.");
  return { after: { seq: after, updatedMs: null }, upto };
}

/** How many records match; null if counting takes too long. */
async function countRecords({
  search,
  accountId,
  endpointId,
  query,
}: {
  search: RecordSearch;
  accountId: string;
  endpointId: string;
  query: RecordQuery;
}): Promise<number | null> {
  const { sql, values } = toCountStatement({ endpointId, query });
  try {
    const [row] = await search.run(accountId, COUNT_MS, (read) => read<{ count: number }>(sql, values));
    return row?.count ?? 0;
  } catch (error) {
    if (isTimeout(error)) return null;
    throw error;
  }
}

function isConflict(result: EditResult): boolean {
  return result.outcome === "failed" && (result.error.code === "version_conflict" || result.error.code === "record_not_found");
}
