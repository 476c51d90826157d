/** `/api/manage/endpoints/{id}/records/{uniqueId}`: the owner's own writes (R4, R5). */
import { jsonText, type ManageContext, manageRoute } from "@/app/lib/manage-route";
import { readSentBody } from "@/app/lib/read-body";
import { type OwnerWrite, writeRecord } from "@/src/control/write-record";

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  PUT: async (context) => {
    const body = await readSentBody(context.request, context.runtime.config.bodyBytesMax);
    const strategy = context.url.searchParams.get("strategy");
    return write(context, { type: "PUT", uniqueId: context.params.uniqueId ?? "", strategy, body });
  },
  DELETE: (context) => write(context, { type: "DELETE", uniqueId: context.params.uniqueId ?? "" }),
});

async function write({ runtime, user, id }: ManageContext, ownerWrite: OwnerWrite): Promise<Response> {
  const { db, records: store, config } = runtime;
  const recordBytesMax = config.bodyBytesMax;
  return jsonText(await writeRecord({ db, store, recordBytesMax, ownerId: user.id, endpointId: id, write: ownerWrite }));
}
