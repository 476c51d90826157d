/** Saved views of an endpoint's records (G42): a query and columns under a name. Everyone who manages the endpoint sees the same views. */
import * as z from "zod/mini";
import type { Db } from "@/src/db/client";
import { AppError, isAppError } from "@/src/shared/errors";
import {
  type RecordView,
  type RecordViewInput,
  type RecordViewPatch,
  type StoredView,
  storedViewSchema,
  VIEWS_PER_ENDPOINT_MAX,
} from "@/src/shared/management/record-views";
import { requireOwnEndpoint } from "../ownership";
import { isForeignKeyViolation, isUniqueViolation, pickDefined } from "../support";
import { parseRecordQuery } from "./record-query";

const EMPTY: StoredView = { search: "", filter: [], order: "-created", columns: null, hidden: [] };
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

interface Request {
  db: Pick<Db, "endpoint" | "recordView" | "$transaction">;
  ownerId: string;
  endpointId: string;
}

interface Row {
  id: string;
  name: string;
  content: unknown;
  createdAt: Date;
  updatedAt: Date;
}

/** Returns the views by name. Throws `not_found`. */
export async function listRecordViews({ db, ownerId, endpointId }: Request): Promise<RecordView[]> {
  await requireOwnEndpoint({ db, ownerId, endpointId });
  const rows = await db.recordView.findMany({ where: { endpointId }, orderBy: [{ name: "asc" }] });
  return rows.map(toView);
}

/** Throws `not_found`, `fields_invalid` for the filters, `name_taken`, and `quota_exceeded` if the endpoint has too many views. */
export async function createRecordView({ db, ownerId, endpointId, input }: Request & { input: RecordViewInput }): Promise<RecordView> {
  const { projectId } = await requireOwnEndpoint({ db, ownerId, endpointId });
  const { name, ...rest } = input;
  const content = { ...EMPTY, ...pickDefined(rest) };
  requireValidQuery(content);
  try {
    const row = await db.$transaction(async (tx) => {
      // Locks the project's row, so that the number is exact.
      await tx.$queryRaw`SELECT 1 FROM "Project" WHERE "id" = ${projectId}::uuid FOR NO KEY UPDATE`;
      if ((await tx.recordView.count({ where: { endpointId } })) >= VIEWS_PER_ENDPOINT_MAX)
        throw new AppError("quota_exceeded", {
          detail: `This endpoint has ${VIEWS_PER_ENDPOINT_MAX} views, which is the limit. Delete one first.`,
        });
      return tx.recordView.create({ data: { endpointId, name, content } });
    });
    return toView(row);
  } catch (error) {
    throw toOwnError(error);
  }
}

/** Changes what the patch has. Throws as {@link createRecordView} does. */
export async function updateRecordView({
  db,
  ownerId,
  endpointId,
  viewId,
  patch,
}: Request & { viewId: string; patch: RecordViewPatch }): Promise<RecordView> {
  await requireOwnEndpoint({ db, ownerId, endpointId });
  const where = { id: requireUuid(viewId), endpointId };
  const { name, ...rest } = patch;
  try {
    const row = await db.$transaction(async (tx) => {
      // Locked, so that of two changes at once both are kept.
      const [locked] = await tx.$queryRaw<{ content: unknown }[]>`
        SELECT "content" FROM "RecordView" WHERE "id" = ${where.id}::uuid AND "endpointId" = ${endpointId}::uuid FOR NO KEY UPDATE`;
      if (!locked) throw new AppError("not_found");
      const content = { ...toContent(locked.content), ...pickDefined(rest) };
      requireValidQuery(content);
      return tx.recordView.update({ where, data: { content, ...(name === undefined ? {} : { name }) } });
    });
    return toView(row);
  } catch (error) {
    throw toOwnError(error);
  }
}

/** Throws `not_found`. */
export async function deleteRecordView({ db, ownerId, endpointId, viewId }: Request & { viewId: string }): Promise<void> {
  await requireOwnEndpoint({ db, ownerId, endpointId });
  const { count } = await db.recordView.deleteMany({ where: { id: requireUuid(viewId), endpointId } });
  if (count === 0) throw new AppError("not_found");
}

function toOwnError(error: unknown): unknown {
  if (isUniqueViolation(error)) return new AppError("name_taken", { fields: { name: "This endpoint has a view with this name." } });
  return isForeignKeyViolation(error) ? new AppError("not_found") : error;
}

function requireUuid(id: string): string {
  if (!UUID.test(id)) throw new AppError("not_found");
  return id;
}

/** The filters of a view can be read. */
function requireValidQuery({ search, filter }: StoredView): void {
  const parameters = new URLSearchParams({ search });
  for (const each of filter) parameters.append("filter", each);
  try {
    parseRecordQuery(parameters, "-created");
  } catch (error) {
    throw isAppError(error) && error.fields
      ? new AppError("fields_invalid", { detail: error.message, fields: { ...error.fields } })
      : error;
  }
}

function toContent(content: unknown): StoredView {
  const parsed = z.safeParse(storedViewSchema, content);
  return parsed.success ? parsed.data : EMPTY;
}

function toView({ id, name, content, createdAt, updatedAt }: Row): RecordView {
  return { id, name, ...toContent(content), createdAt: createdAt.toISOString(), updatedAt: updatedAt.toISOString() };
}
