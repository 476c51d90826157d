/** `/api/manage/openapi.json`: the OpenAPI document of this API, public (G5). */
import { withAnyOriginCors } from "@/app/lib/manage/any-origin-cors";
import { json, publicRoute } from "@/app/lib/manage/manage-route";
import { cookieNames } from "@/app/lib/sign-in/session-cookie";
import { toManageDocument } from "@/src/management/openapi/manage/document";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = withAnyOriginCors(
  publicRoute(
    { GET: async ({ client }) => json(toManageDocument({ sessionCookie: cookieNames(client).session, origin: client.origin })) },
    { isForAll: true },
  ),
);
