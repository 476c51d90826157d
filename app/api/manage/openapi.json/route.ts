/** `/api/manage/openapi.json`: the description of this API, for everybody (G5). */
import { json, publicRoute } from "@/app/lib/manage-route";
import { cookieNames } from "@/app/lib/session-cookie";
import { toManageDocument } from "@/src/control/openapi/manage-document";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = publicRoute(
  {
    GET: async ({ client }) => {
      const response = json(toManageDocument({ sessionCookie: cookieNames(client).session }));
      response.headers.set("Access-Control-Allow-Origin", "*");
      return response;
    },
  },
  { isForAll: true },
);
