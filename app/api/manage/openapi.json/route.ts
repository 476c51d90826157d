/** `/api/manage/openapi.json`: the OpenAPI document of this API, public (G5). */
import { json, publicRoute } from "@/app/lib/manage/manage-route";
import { readableAnywhere } from "@/app/lib/manage/readable-anywhere";
import { cookieNames } from "@/app/lib/sign-in/session-cookie";
import { toManageDocument } from "@/src/management/openapi/manage/document";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = readableAnywhere(
  publicRoute(
    { GET: async ({ client }) => json(toManageDocument({ sessionCookie: cookieNames(client).session, origin: client.origin })) },
    { isForAll: true },
  ),
);
