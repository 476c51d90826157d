/** `/api/manage/endpoints/{id}/import`: records of a file, all or none; with `check=true` only what would become of them (G14). */
import { json, jsonText, manageRoute, withLimit } from "@/app/lib/manage-route";
import { readChunks } from "@/app/lib/read-body";
import { checkImport, importRecords } from "@/src/control/import-records";
import { parseImportForm } from "@/src/control/imports/import-kind";
import { AppError } from "@/src/shared/errors";
import { IMPORT_BYTES_MAX } from "@/src/shared/record-limits";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: withLimit("import", async ({ runtime: { db, sandbox, imports, importStaging, quotas, config }, request, user, id, url }) => {
    const form = parseImportForm(request.headers.get("content-type"), url.searchParams);
    if (Number(request.headers.get("content-length") ?? 0) > IMPORT_BYTES_MAX) {
      throw new AppError("body_too_large", { detail: `The body is too large. Send ${IMPORT_BYTES_MAX} bytes at most.` });
    }
    const { signal } = request;
    const body = readChunks(request, signal);
    const file = { db, sandbox, imports, ownerId: user.id, endpointId: id, ...form, body, signal, recordBytesMax: config.bodyBytesMax };
    if (url.searchParams.get("check") !== "true")
      return json({ imported: await importRecords({ ...file, staging: importStaging, quotas }) }, 201);
    const { records, first, charset, samples } = await checkImport(file);
    return jsonText(
      `{"records":${records},"first":${first},"charset":"${charset.name}","guessed":${charset.isGuess},"samples":${samples}}`,
    );
  }),
});
