/** `/api/manage/endpoints/{id}/export`: exports records as a file: those of a query or the named ones (G14). */

import { toByteStream } from "@/app/lib/manage/byte-stream";
import { type ManageContext, manageRoute, withBody, withLimit } from "@/app/lib/manage/manage-route";
import { type ExportForm, exportRecords, parseExportForm } from "@/src/management/export/export-records";
import { parseRecordQuery, type RecordQuery } from "@/src/management/records/record-query";
import { exportSchema } from "@/src/shared/management/schemas";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: withLimit("export", (context) =>
    send(context, parseExportForm(context.url.searchParams), parseRecordQuery(context.url.searchParams, "created")),
  ),
  HEAD: withLimit("heavy", (context) =>
    send(context, parseExportForm(context.url.searchParams), parseRecordQuery(context.url.searchParams, "created"), true),
  ),
  POST: withLimit(
    "export",
    withBody(exportSchema, (context) =>
      send(context, context.body, { order: "created", search: null, filters: [], uniqueIds: context.body.uniqueIds }),
    ),
  ),
});

async function send(
  { runtime: { db, recordSearch: search, clock }, user, id }: ManageContext,
  form: ExportForm,
  query: RecordQuery,
  isHead = false,
): Promise<Response> {
  const file = await exportRecords({ db, search, ownerId: user.id, endpointId: id, ...form, query, now: clock.now(), isCheck: isHead });
  return new Response(isHead ? null : toByteStream(file.text), {
    headers: {
      "Content-Type": file.contentType,
      "Content-Disposition": `attachment; filename="${file.name}"`,
      "X-Content-Type-Options": "nosniff",
    },
  });
}
