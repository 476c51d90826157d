/** Applies edits of fields to records that were read, and writes the results together (G40, G41). The data plane's rules apply (R4, R7, R10, L4). */
import { setImmediate as yieldToOthers } from "node:timers/promises";
import { toOwnerPath } from "@/src/core/access/caller-path";
import { editFields, type FieldEdit } from "@/src/core/json/edit-fields";
import type { RecordStore, Write, WriteResult } from "@/src/core/records/ports";
import { requireSchemaMatch } from "@/src/core/records/schema-check";
import type { Sandbox } from "@/src/core/sandbox";
import type { Users } from "@/src/core/users/users";
import { AppError, isAppError } from "@/src/shared/errors";
import type { EditError } from "@/src/shared/management/record-edits";
import type { OwnTarget } from "../ownership";
import type { RecordRow } from "./read-record-page";

export interface EditPorts {
  store: Pick<RecordStore, "commit">;
  sandbox: Pick<Sandbox, "validate">;
  users: Pick<Users, "update">;
  /** The maximum size of a record. */
  recordBytesMax: number;
}

export interface EditTarget extends OwnTarget {
  endpointId: string;
  ownerId: string;
}

export interface RowEdit {
  row: RecordRow;
  edits: readonly FieldEdit[];
}

/** `row`: as it is now. */
export type EditResult = { outcome: "updated" | "unchanged"; row: RecordRow } | { outcome: "failed"; row: RecordRow; error: AppError };

/** The edits of longer records let other work run in between. */
const LONG_CHARACTERS = 16 * 1024;

/** The data of a record after the edits. Throws `merge_needs_objects`, `body_too_large`, and what requireSchemaMatch throws. */
export async function editRow(
  { sandbox, recordBytesMax }: Pick<EditPorts, "sandbox" | "recordBytesMax">,
  target: EditTarget,
  { row, edits }: RowEdit,
): Promise<string> {
  if (row.contentType === "text" && edits.some(({ path, valueText }) => path.length > 0 || !valueText?.startsWith('"')))
    throw new AppError("merge_needs_objects", { detail: "The record is a text, which has no fields. Set $ to another text." });
  if (row.contentType === "file" && edits.some(({ path }) => path[0] !== "metadata" || path.length < 2))
    throw new AppError("merge_needs_objects", { detail: "Of a file's record, only fields of metadata can be changed." });
  const text = await editText(row.data, edits);
  if (text === row.data) return row.data;
  if (Buffer.byteLength(text) > recordBytesMax)
    throw new AppError("body_too_large", { detail: `The record would be larger than ${recordBytesMax} bytes.` });
  // Users are checked when they are written, with their verified address.
  if (target.kind !== "authentication")
    await requireSchemaMatch({ sandbox, schema: target.schema, texts: [text], caller: toCaller(target) });
  return text;
}

/** Other work runs before each record, and between the edits of a long one, which take milliseconds each. */
async function editText(data: string, edits: readonly FieldEdit[]): Promise<string> {
  let text = data;
  await yieldToOthers();
  for (const [index, each] of edits.entries()) {
    if (index > 0 && text.length > LONG_CHARACTERS) await yieldToOthers();
    const edited = editFields(text, [each]);
    if (!edited.ok) throw new AppError("merge_needs_objects", { detail: edited.problem });
    text = edited.text;
  }
  return text;
}

/**
 * Writes the edited records, each only if it still has the version that was read. Those that cannot be changed are reported, and do not affect the
 * others. Records are written in one transaction; users of an application one by one. Returns the results in the order of the rows. Throws what concerns all of them, such as `server_busy` and `quota_exceeded`.
 */
export async function applyEdits(ports: EditPorts, target: EditTarget, rows: readonly RowEdit[]): Promise<EditResult[]> {
  const results = new Map<RowEdit, EditResult>();
  const drafts: { each: RowEdit; data: string }[] = [];
  for (const each of rows) {
    try {
      const data = await editRow(ports, target, each);
      if (data === each.row.data) results.set(each, { outcome: "unchanged", row: each.row });
      else drafts.push({ each, data });
    } catch (error) {
      results.set(each, { outcome: "failed", row: each.row, error: requireOwnError(error) });
    }
  }
  if (target.kind === "authentication") await writeUsers(ports, target, drafts, results);
  else await writeRecords(ports, target, drafts, results);
  return rows.map((each) => results.get(each) ?? { outcome: "failed", row: each.row, error: new AppError("internal_error") });
}

type Drafts = readonly { each: RowEdit; data: string }[];

async function writeRecords(
  { store }: EditPorts,
  { endpointId }: EditTarget,
  drafts: Drafts,
  results: Map<RowEdit, EditResult>,
): Promise<void> {
  if (drafts.length === 0) return;
  const writes = drafts.map(({ each: { row }, data }): Write => {
    const { uniqueId: id, contentType, version: expectedVersion } = row;
    return { type: "PUT", id, contentType, data, expectedVersion, sameType: true };
  });
  const written = await store.commit(endpointId, writes);
  for (const [index, { each }] of drafts.entries()) results.set(each, toResult(each.row, written[index]));
}

function toResult(row: RecordRow, result: WriteResult | undefined): EditResult {
  if (result?.outcome === "ok") {
    const { data, version, updatedAt } = result.change.record;
    return { outcome: "updated", row: { ...row, data, version, updatedAt } };
  }
  if (result?.outcome === "endpoint_not_found") throw new AppError("not_found");
  return { outcome: "failed", row, error: new AppError(result?.outcome ?? "internal_error") };
}

async function writeUsers({ users }: EditPorts, target: EditTarget, drafts: Drafts, results: Map<RowEdit, EditResult>): Promise<void> {
  for (const { each, data } of drafts) {
    const { uniqueId: id, version: expectedVersion } = each.row;
    try {
      const body = { contentType: "json", data } as const;
      const stored = await users.update({
        endpoint: target,
        id,
        strategy: "force",
        body,
        expectedVersion,
        caller: toCaller(target),
        address: null,
      });
      const { data: after, version, updatedAt } = stored;
      results.set(each, { outcome: "updated", row: { ...each.row, data: after, version, updatedAt } });
    } catch (error) {
      results.set(each, { outcome: "failed", row: each.row, error: requireOwnError(error) });
    }
  }
}

/** Errors of the server concern all records, so they end the request. */
function requireOwnError(error: unknown): AppError {
  if (isAppError(error) && error.entry.status < 500 && error.code !== "quota_exceeded") return error;
  throw error;
}

function toCaller({ ownerId, projectId }: EditTarget): ReturnType<typeof toOwnerPath> {
  return toOwnerPath(ownerId, projectId);
}

/** The error as the API describes it. */
export function toEditError({ code, message, fields }: AppError): EditError {
  return { code, detail: message, ...(fields ? { fields: { ...fields } } : {}) };
}
