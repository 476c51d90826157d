/** Authenticates a management request (G1) by a management token or the dashboard's session. */
import { parseCookie } from "cookie";
import type { TokenAccess } from "@/src/management/accounts/token-access";
import { findTokenUser } from "@/src/management/accounts/tokens";
import type { SignIn } from "@/src/management/connections/issue-stream-ticket";
import type { Runtime } from "@/src/runtime/registry";
import { AppError } from "@/src/shared/errors";
import type { AccountView } from "@/src/shared/management/schemas";
import { readSession } from "../sign-in/read-session";
import { cookieNames } from "../sign-in/session-cookie";
import type { ClientInfo } from "./client-info";
import { createCrossSiteError, isProvenSameOrigin } from "./same-origin";

export interface Principal {
  user: AccountView;
  /** Null: by management token. */
  sessionId: string | null;
  /** The rights of the token. Null: by session, which has all rights. */
  access: TokenAccess | null;
  /** The session or the token. Streams that it opens end with it. */
  signIn: SignIn;
}

/** The form of a project's key or a master key. */
const IS_OTHER_SECRET = /^(?:[0-9a-f]{32}$|mk_)/;
const OTHER_SECRET =
  "The management token is not valid. It looks like a project's key, which works only for endpoints. Create a management token under Account.";
const KEY_ALONE =
  "Sign in first, or send a management token as Authorization: Bearer <token>. X-API-Key works only for a project's endpoints.";

/**
 * If a token is sent, only it counts, valid or not. A session counts only on requests of the dashboard's own pages. Throws `management_token_invalid`,
 * `cross_site_request`, `session_missing`, and `account_mismatch` if the page belongs to another account (G1.11).
 */
export async function authenticate({
  runtime,
  request,
  client,
}: {
  runtime: Pick<Runtime, "db" | "clock" | "secret">;
  request: Request;
  client: ClientInfo;
}): Promise<Principal> {
  const authorization = request.headers.get("authorization");
  if (authorization !== null) {
    const token = /^Bearer +([^ ]+) *$/i.exec(authorization)?.[1];
    const found = token === undefined ? null : await findTokenUser({ db: runtime.db, clock: runtime.clock, token });
    if (!found) throw new AppError("management_token_invalid", IS_OTHER_SECRET.test(token ?? "") ? { detail: OTHER_SECRET } : {});
    const { user, tokenId, access } = found;
    return { user, sessionId: null, access, signIn: { kind: "token", id: tokenId, userId: user.id } };
  }
  const cookie = parseCookie(request.headers.get("cookie") ?? "")[cookieNames(client).session];
  if (!cookie) throw new AppError("session_missing", request.headers.has("x-api-key") ? { detail: KEY_ALONE } : {});
  if (!isProvenSameOrigin({ method: request.method, headers: request.headers, hosts: client.hosts }))
    throw createCrossSiteError({ headers: request.headers, hosts: client.hosts });
  const session = await readSession({ runtime, cookie });
  if (!session) throw new AppError("session_missing", { detail: "The session has ended. Sign in again." });
  const { sessionId, ...user } = session;
  const expected = request.headers.get("x-rested-account");
  if (expected !== null && expected !== user.id) throw new AppError("account_mismatch");
  return { user, sessionId, access: null, signIn: { kind: "session", id: sessionId, userId: user.id } };
}
