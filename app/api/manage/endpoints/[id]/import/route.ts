/** `/api/manage/endpoints/{id}/import`: records of a file, all or none; with `check=true` only what would become of them (G14). */
import { json, jsonText, manageRoute } from "@/app/lib/manage-route";
import { readBytes } from "@/app/lib/read-body";
import { checkImport, importRecords } from "@/src/control/import-records";
import { parseImportKind } from "@/src/control/read-import";
import { IMPORT_BYTES_MAX } from "@/src/shared/record-limits";

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: async ({ runtime: { db, sandbox, config }, request, user, id, url }) => {
    const kind = parseImportKind(request.headers.get("content-type"));
    const bytes = await readBytes(request, IMPORT_BYTES_MAX);
    const file = { db, sandbox, ownerId: user.id, endpointId: id, kind, bytes, recordBytesMax: config.bodyBytesMax };
    if (url.searchParams.get("check") !== "true") return json({ imported: await importRecords(file) }, 201);
    const { records, first } = await checkImport(file);
    return jsonText(`{"records":${records},"first":${first}}`);
  },
});
