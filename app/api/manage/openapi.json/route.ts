/** `/api/manage/openapi.json`: the description of this API, for everybody (G5). */
import { json, publicRoute } from "@/app/lib/manage-route";
import { readableAnywhere } from "@/app/lib/readable-anywhere";
import { cookieNames } from "@/app/lib/session-cookie";
import { toManageDocument } from "@/src/management/openapi/manage/document";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = readableAnywhere(
  publicRoute(
    { GET: async ({ client }) => json(toManageDocument({ sessionCookie: cookieNames(client).session, origin: client.origin })) },
    { isForAll: true },
  ),
);
