/** `/api/manage/endpoints/{id}/records`: the owner's own writes (R2). */
import { jsonText, manageRoute } from "@/app/lib/manage-route";
import { readSentBody } from "@/app/lib/read-body";
import { writeRecord } from "@/src/control/write-record";

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: async ({ runtime: { db, records: store, config }, request, user, id }) => {
    const body = await readSentBody(request, config.bodyBytesMax);
    const recordBytesMax = config.bodyBytesMax;
    return jsonText(await writeRecord({ db, store, recordBytesMax, ownerId: user.id, endpointId: id, write: { type: "POST", body } }), 201);
  },
});
