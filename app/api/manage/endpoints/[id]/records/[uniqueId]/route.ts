/** `/api/manage/endpoints/{id}/records/{uniqueId}`: one record (G13), and the owner's own writes (R4, R5). */
import { jsonText, type ManageContext, manageRoute } from "@/app/lib/manage-route";
import { readSentBody } from "@/app/lib/read-body";
import { getRecord } from "@/src/control/get-record";
import { type OwnerWrite, writeRecord } from "@/src/control/write-record";

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db, records: store }, user, id, params }) => {
    const { text, version } = await getRecord({ db, store, ownerId: user.id, endpointId: id, uniqueId: params.uniqueId ?? "" });
    return withVersion(jsonText(text), version);
  },
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

function withVersion(response: Response, version: number): Response {
  response.headers.set("ETag", `"${version}"`);
  return response;
}
