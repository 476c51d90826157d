/** `/api/manage/endpoints/{id}/records/{uniqueId}`: one record (G13), and the owner's writes (R4, R5, R7). */

import { answerWrite, withVersion } from "@/app/lib/manage/answer-write";
import { jsonText, type ManageContext, manageRoute, readingBody } from "@/app/lib/manage/manage-route";
import { readSentBody } from "@/app/lib/manage/read-body";
import { getRecord } from "@/src/management/records/records";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db, records: store }, user, id, params }) => {
    const { text, version } = await getRecord({ db, store, ownerId: user.id, endpointId: id, uniqueId: params.uniqueId ?? "" });
    return withVersion(jsonText(text), version);
  },
  PUT: readingBody(async (context) => {
    const body = await readSentBody(context.request, context.runtime.config.bodyBytesMax);
    const strategy = context.url.searchParams.get("strategy");
    return answerWrite(context, { type: "PUT", uniqueId: context.params.uniqueId ?? "", strategy, ifMatch: readIfMatch(context), body });
  }),
  DELETE: (context) => answerWrite(context, { type: "DELETE", uniqueId: context.params.uniqueId ?? "", ifMatch: readIfMatch(context) }),
});

function readIfMatch({ request }: ManageContext): string | null {
  return request.headers.get("if-match");
}
