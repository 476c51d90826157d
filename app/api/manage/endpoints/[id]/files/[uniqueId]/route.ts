/** `/api/manage/endpoints/{id}/files/{uniqueId}`: the file of a record (G15). */
import { toByteStream } from "@/app/lib/byte-stream";
import { manageRoute } from "@/app/lib/manage-route";
import { openRecordFile } from "@/src/control/open-record-file";

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db, files }, user, id, params }) => {
    const { headers, bytes } = await openRecordFile({ db, files, ownerId: user.id, endpointId: id, uniqueId: params.uniqueId ?? "" });
    return new Response(toByteStream(bytes), { headers });
  },
});
