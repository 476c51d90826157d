/** `/api/manage/openapi.json`: the description of this API, for everybody (G5). */
import { json, publicRoute } from "@/app/lib/manage-route";
import { SESSION_COOKIE } from "@/app/lib/session-cookie";
import { toManageDocument } from "@/src/control/openapi/manage-document";

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = publicRoute({
  GET: async () => json(toManageDocument({ sessionCookie: SESSION_COOKIE })),
});
