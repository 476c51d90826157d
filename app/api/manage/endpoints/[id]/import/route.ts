/** `/api/manage/endpoints/{id}/import`: imports the records of a file, all or none (G14). With `check=true` it only checks them. */
import { json, jsonText, manageRoute, withLimit } from "@/app/lib/manage/manage-route";
import { readChunks } from "@/app/lib/manage/read-body";
import { parseImportForm } from "@/src/management/import/import-kind";
import { checkImport, importRecords } from "@/src/management/import/import-records";
import { IMPORT_BYTES_MAX } from "@/src/shared/record-limits";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: withLimit(
    "import",
    async ({ runtime: { db, sandbox, imports, importStaging, quotas, config }, request, user, id, url, authorizeAgain }) => {
      const { isCheck, ...form } = parseImportForm(request.headers.get("content-type"), url.searchParams);
      const { signal } = request;
      const body = readChunks(request, { signal, bytesMax: IMPORT_BYTES_MAX });
      const file = { db, sandbox, imports, ownerId: user.id, endpointId: id, ...form, body, signal, recordBytesMax: config.bodyBytesMax };
      if (!isCheck) return json({ imported: await importRecords({ ...file, staging: importStaging, quotas, authorizeAgain }) }, 201);
      const { records, first, charset, samples } = await checkImport(file);
      return jsonText(
        `{"records":${records},"first":${first},"charset":"${charset.name}","guessed":${charset.isGuess},"samples":${samples}}`,
      );
    },
  ),
});
