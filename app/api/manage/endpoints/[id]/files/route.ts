/** `/api/manage/endpoints/{id}/files`: stores the body as a file with a record (G15). */
import { jsonText, manageRoute, withLimit } from "@/app/lib/manage/manage-route";
import { readChunks } from "@/app/lib/manage/read-body";
import { storeFile } from "@/src/management/files/files";
import { openBodyHold } from "@/src/management/import/open-body";
import { AppError } from "@/src/shared/errors";
import { FILE_BYTES_MAX } from "@/src/shared/streams/protocol";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: withLimit("upload", async ({ runtime: { db, files, config, held }, request, user, id, url, client, authorizeAgain }) => {
    // Checked before the first byte is read.
    if (Number(request.headers.get("content-length") ?? 0) > FILE_BYTES_MAX) throw new AppError("file_too_large");
    const name = url.searchParams.get("name") ?? "";
    const file = {
      name,
      type: request.headers.get("content-type") ?? "",
      open: (signal: AbortSignal) => readChunks(request, { signal, bytesMax: FILE_BYTES_MAX }),
    };
    const hold = openBodyHold(held.bodies, client.address);
    const upload = { ownerId: user.id, endpointId: id, file, timeoutMs: config.uploadTimeoutMs, hold };
    return jsonText(await storeFile({ db, files, ...upload, authorizeAgain }), 201);
  }),
});
