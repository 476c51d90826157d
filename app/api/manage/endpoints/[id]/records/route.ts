/** `/api/manage/endpoints/{id}/records`: pages of the grid (G13), and the owner's own writes (R2). */
import { jsonText, manageRoute } from "@/app/lib/manage-route";
import { readSentBody } from "@/app/lib/read-body";
import { listRecords } from "@/src/control/list-records";
import { parseRecordPageQuery } from "@/src/control/record-query";
import { writeRecord } from "@/src/control/write-record";

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db }, user, id, url }) =>
    jsonText(await listRecords({ db, ownerId: user.id, endpointId: id, query: parseRecordPageQuery(url.searchParams) })),
  POST: async ({ runtime: { db, records: store, config }, request, user, id }) => {
    const body = await readSentBody(request, config.bodyBytesMax);
    const recordBytesMax = config.bodyBytesMax;
    return jsonText(await writeRecord({ db, store, recordBytesMax, ownerId: user.id, endpointId: id, write: { type: "POST", body } }), 201);
  },
});
