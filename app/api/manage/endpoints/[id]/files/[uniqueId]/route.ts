/** `/api/manage/endpoints/{id}/files/{uniqueId}`: the file of a record (G15). */
import { toByteStream } from "@/app/lib/manage/byte-stream";
import { type ManageContext, manageRoute, withLimit } from "@/app/lib/manage/manage-route";
import { findRecordFile } from "@/src/management/files/files";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: withLimit("download", async (context) => {
    const { headers, open } = await find(context);
    return new Response(toByteStream(await open()), { headers });
  }),
  HEAD: async (context) => new Response(null, { headers: (await find(context)).headers }),
});

function find({ runtime: { db, files }, user, id, params }: ManageContext) {
  return findRecordFile({ db, files, ownerId: user.id, endpointId: id, uniqueId: params.uniqueId ?? "" });
}
