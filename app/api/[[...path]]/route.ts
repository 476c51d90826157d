/** All other paths below /api: 404 as a problem document (E1), not as a page. */
import { toProblemResponse } from "@/app/lib/manage/problem-response";
import { getRuntime } from "@/src/runtime/registry";
import { AppError } from "@/src/shared/errors";
import { createRequestId } from "@/src/shared/http/problem";

async function handle(request: Request): Promise<Response> {
  return toProblemResponse({ error: new AppError("not_found"), request, requestId: createRequestId(), log: getRuntime().log });
}

export { handle as DELETE, handle as GET, handle as OPTIONS, handle as PATCH, handle as POST, handle as PUT };
