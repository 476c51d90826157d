/** `/api/manage/endpoints/{id}/files/{uniqueId}`: the file of a record (G15). */
import { toByteStream } from "@/app/lib/manage/byte-stream";
import { type ManageContext, manageRoute, withLimit } from "@/app/lib/manage/manage-route";
import { findRecordFile } from "@/src/management/files/files";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: withLimit("download", async (context) => {
    const { status, headers, open } = await find(context);
    return new Response(open ? toByteStream(await open()) : null, { status, headers });
  }),
  HEAD: async (context) => {
    const { status, headers } = await find(context);
    return new Response(null, { status, headers });
  },
});

function find({ runtime: { db, files }, user, id, params, request: { headers } }: ManageContext) {
  const read = (name: string): string | undefined => headers.get(name) ?? undefined;
  const conditions = { range: read("range"), ifNoneMatch: read("if-none-match"), ifRange: read("if-range") };
  return findRecordFile({ db, files, ownerId: user.id, endpointId: id, uniqueId: params.uniqueId ?? "", conditions });
}
