/** next-auth: sign-in, sign-out, and the session that its browser code asks for. What it may do is decided in app/lib/sign-in/auth-options.ts. */

import { readClientInfo } from "@/app/lib/manage/client-info";
import { createRequestTurn } from "@/app/lib/manage/limit-request";
import { createRequestId, toProblemResponse } from "@/app/lib/manage/problem-response";
import { createCrossSiteError, isCrossSite } from "@/app/lib/manage/same-origin";
import { createAuthOptions } from "@/app/lib/sign-in/auth-options";
import { runNextAuth } from "@/app/lib/sign-in/run-next-auth";
import { getRuntime } from "@/src/runtime/registry";
import { AppError, isAppError } from "@/src/shared/errors";

interface Context {
  params: Promise<{ nextauth: string[] }>;
}

const METHODS: readonly string[] = ["GET", "HEAD", "POST"];
/** A sign-in by password has no other; next-auth would answer a bare 500. */
const CALLBACK_METHODS: readonly string[] = ["POST"];

/** `_log` would let anybody write into the server's log; the built-in pages have their own in the dashboard. */
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
    // A link from elsewhere may lead to a GET, as a sign-in provider's answer does.
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
    return response;
  } catch (error) {
    const code = isAppError(error) ? error.code : "internal_error";
    // next-auth's browser code reads the error from the address that it would go to.
    const url = new URL(`/login?error=${code}`, request.url).href;
    const response = turn.finish(toProblemResponse({ error, request, requestId, log: runtime.log, members: { url } }));
    if (response.status === 405) response.headers.set("Allow", methods.join(", "));
    return response;
  }
}

export { handle as DELETE, handle as GET, handle as HEAD, handle as PATCH, handle as POST, handle as PUT };
