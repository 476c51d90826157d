/** Carries out an owner's write to a record, and responds with the record and its version as ETag (R7). */
import { type OwnerWrite, writeRecord } from "@/src/management/records/write-record";
import { beginWrite, jsonText, type ManageContext } from "./manage-route";

/** `status`: of the response to a successful write. */
export async function answerWrite(context: ManageContext, write: OwnerWrite, status = 200): Promise<Response> {
  const { runtime, user, id } = write.type === "DELETE" ? context : await beginWrite(context);
  const { db, records: store, sandbox, users, files, config } = runtime;
  const ports = { db, store, sandbox, users, recordBytesMax: config.bodyBytesMax };
  const { text, version } = await writeRecord({ ...ports, ownerId: user.id, endpointId: id, write });
  if (write.type !== "POST") files.sweepSoon();
  return withVersion(jsonText(text, status), version);
}

/** The response with the record's version as ETag. */
export function withVersion(response: Response, version: number): Response {
  response.headers.set("ETag", `"${version}"`);
  return response;
}
