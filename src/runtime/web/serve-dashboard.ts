/** Passes requests to Next.js; pages in a fair order by client address (G23). */
import type { IncomingMessage, ServerResponse } from "node:http";
import { toClientAddress } from "@/src/core/access/client-network";
import type { ManagementLimits } from "@/src/core/limits/management-limits";
import { onAnswered } from "@/src/http/reply/answered";
import { AppError, isAppError } from "@/src/shared/errors";
import { createRequestId, formatProblem } from "@/src/shared/http/problem";

export type Serve = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Not pages: files of the build, and routes that wait for their turn themselves. */
const IS_PAGE = /^\/(?!api\/|_next\/|favicon\.svg)/;

/** `toNext` is the handler of Next.js. Rejects if it rejects. */
export function createDashboard({ limits, toNext }: { limits: Pick<ManagementLimits, "enter">; toNext: Serve }): Serve {
  return async (request, response) => {
    const url = request.url ?? "/";
    if (!IS_PAGE.test(url)) return toNext(request, response);
    const closed = new AbortController();
    const cancel = onAnswered(response, () => closed.abort());
    let leave: () => void;
    try {
      leave = await limits.enter("page", { address: toClientAddress(request) }, closed.signal);
    } catch (error) {
      if (closed.signal.aborted) return;
      return refuse(response, isAppError(error) ? error : new AppError("internal_error", { cause: error }));
    }
    cancel();
    try {
      await toNext(request, response);
    } finally {
      leave();
    }
  };
}

async function refuse(response: ServerResponse, error: AppError): Promise<void> {
  const { status, headers, body } = formatProblem(error, createRequestId());
  response.writeHead(status, { ...headers, "Content-Length": Buffer.byteLength(body), "Cache-Control": "no-store" });
  response.end(body);
}
