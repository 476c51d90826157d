/** next-auth: sign-in, sign-out, and the session for its browser code. Configured in app/lib/sign-in/auth-options.ts. */

import { readClientInfo } from "@/app/lib/manage/client-info";
import { createRequestTurn } from "@/app/lib/manage/limit-request";
import { toProblemResponse } from "@/app/lib/manage/problem-response";
import { createCrossSiteError, isCrossSite } from "@/app/lib/manage/same-origin";
import { createAuthOptions } from "@/app/lib/sign-in/auth-options";
import { runNextAuth } from "@/app/lib/sign-in/run-next-auth";
import { getRuntime } from "@/src/runtime/registry";
import { AppError, isAppError } from "@/src/shared/errors";
import { createRequestId } from "@/src/shared/http/problem";

interface Context {
  params: Promise<{ nextauth: string[] }>;
}

const METHODS: readonly string[] = ["GET", "HEAD", "POST"];
/** The methods of a sign-in by password. next-auth would respond with a bare 500 to others. */
const CALLBACK_METHODS: readonly string[] = ["POST"];

/** The allowed actions. `_log` is not allowed, because it would let anyone write to the server's log. The dashboard replaces the built-in pages. */
const ACTIONS: ReadonlySet<string | undefined> = new Set(["providers", "session", "csrf", "signin", "signout", "callback", "error"]);

async function handle(request: Request, { params }: Context): Promise<Response> {
  const requestId = createRequestId();
  const runtime = getRuntime();
  const client = readClientInfo({ headers: request.headers, publicUrl: runtime.config.publicUrl });
  const failures: unknown[] = [];
  const turn = createRequestTurn({ limits: runtime.managementLimits, request, kind: "sign_in", caller: () => client });
  let methods = METHODS;
  try {
    const { nextauth: action } = await params;
    if (!ACTIONS.has(action[0])) throw new AppError("not_found");
    if (action[0] === "callback") methods = CALLBACK_METHODS;
    if (!methods.includes(request.method)) throw new AppError("method_not_allowed");
    const { method, headers } = request;
    // Other sites can link to a GET, as the redirect from a sign-in provider does.
    if (method === "POST" && isCrossSite({ method, headers, hosts: client.hosts }))
      throw createCrossSiteError({ headers, hosts: client.hosts });
    await turn.count(client);
    const options = createAuthOptions({ runtime, client, onFailure: (error) => failures.push(error) });
    const { response } = await runNextAuth({ request, action, options, onBody: () => turn.enter() });
    const [failure] = failures;
    if (failure !== undefined) throw failure;
    turn.finish(response);
    response.headers.set("Cache-Control", "no-store");
    response.headers.set("X-Request-Id", requestId);
    await runtime.settle();
    return response;
  } catch (error) {
    const code = isAppError(error) ? error.code : "internal_error";
    // next-auth's browser code reads the error from the URL of the redirect.
    const url = new URL(`/login?error=${code}`, request.url).href;
    const response = turn.finish(toProblemResponse({ error, request, requestId, log: runtime.log, members: { url } }));
    if (response.status === 405) response.headers.set("Allow", methods.join(", "));
    return response;
  }
}

export { handle as DELETE, handle as GET, handle as HEAD, handle as PATCH, handle as POST, handle as PUT };
