/** `/api/manage/endpoints/{id}/records`: pages of records (G13), and the owner's writes (R2). */

import { answerWrite } from "@/app/lib/manage/answer-write";
import { jsonText, manageRoute, readingBody, withLimit } from "@/app/lib/manage/manage-route";
import { readSentBody } from "@/app/lib/manage/read-body";
import { parseRecordPageQuery } from "@/src/management/records/record-query";
import { listRecords } from "@/src/management/records/records";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: withLimit("heavy", async ({ runtime: { db, changes, recordSearch: search }, user, id, url }) =>
    jsonText(await listRecords({ db, changes, search, ownerId: user.id, endpointId: id, query: parseRecordPageQuery(url.searchParams) })),
  ),
  POST: readingBody(async (context) => {
    const body = await readSentBody(context.request, context.runtime.config.bodyBytesMax);
    return answerWrite(context, { type: "POST", body }, 201);
  }),
});
