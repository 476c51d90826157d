/** `/api/manage/endpoints/{id}/records`: pages of records (G13), as a user reads them too (A7), and the owner's writes (R2). */

import { answerWrite } from "@/app/lib/manage/answer-write";
import { jsonText, manageRoute, readingBody, withLimit } from "@/app/lib/manage/manage-route";
import { readSentBody } from "@/app/lib/manage/read-body";
import { viewRecords } from "@/src/management/access/view-records";
import { parseRecordPageQuery } from "@/src/management/records/record-query";
import { listRecords } from "@/src/management/records/records";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: withLimit("heavy", async ({ runtime, user, id, url }) => {
    const { db, changes, recordSearch: search, judges, definitions } = runtime;
    const request = { db, changes, search, ownerId: user.id, endpointId: id, query: parseRecordPageQuery(url.searchParams) };
    const viewAs = url.searchParams.get("viewAs");
    return jsonText(await (viewAs === null ? listRecords(request) : viewRecords({ ...request, judges, definitions, viewAs })));
  }),
  POST: readingBody(async (context) => {
    const body = await readSentBody(context.request, context.runtime.config.bodyBytesMax);
    return answerWrite(context, { type: "POST", body }, 201);
  }),
});
