/** `/api/manage/endpoints/{id}/export`: records as a file, those that a query selects or those that are named (G14). */

import { toByteStream } from "@/app/lib/byte-stream";
import { type ManageContext, manageRoute, withBody, withLimit } from "@/app/lib/manage-route";
import { exportRecords } from "@/src/control/export-records";
import { parseRecordQuery, type RecordQuery } from "@/src/control/record-query";
import { AppError } from "@/src/shared/errors";
import { exportSchema } from "@/src/shared/management";
import { EXPORT_FORMATS, type ExportFormat } from "@/src/shared/record-limits";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: withLimit("export", (context) => send(context, parseFormat(context.url), parseRecordQuery(context.url.searchParams, "created"))),
  HEAD: withLimit("heavy", (context) =>
    send(context, parseFormat(context.url), parseRecordQuery(context.url.searchParams, "created"), true),
  ),
  POST: withLimit(
    "export",
    withBody(exportSchema, (context) =>
      send(context, context.body.format, { order: "created", search: null, filters: [], uniqueIds: context.body.uniqueIds }),
    ),
  ),
});

function parseFormat({ searchParams }: URL): ExportFormat {
  const format = EXPORT_FORMATS.find((each) => each === searchParams.get("format"));
  if (format) return format;
  const problem = `Use one of: ${EXPORT_FORMATS.join(", ")}.`;
  throw new AppError("parameter_invalid", { detail: `format: ${problem}`, fields: { format: problem } });
}

async function send(
  { runtime: { db, recordSearch: search, clock }, user, id }: ManageContext,
  format: ExportFormat,
  query: RecordQuery,
  isHead = false,
): Promise<Response> {
  const file = await exportRecords({ db, search, ownerId: user.id, endpointId: id, format, query, now: clock.now(), isCheck: isHead });
  return new Response(isHead ? null : toByteStream(file.text), {
    headers: {
      "Content-Type": file.contentType,
      "Content-Disposition": `attachment; filename="${file.name}"`,
      "X-Content-Type-Options": "nosniff",
    },
  });
}
