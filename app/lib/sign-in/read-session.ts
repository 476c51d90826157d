/** Reads the dashboard session that a cookie names. The session row is looked up on every call. */
import { decode } from "next-auth/jwt";
import { findSessionUser } from "@/src/management/accounts/sessions";
import type { Runtime } from "@/src/runtime/registry";
import type { AccountView } from "@/src/shared/management/schemas";

/** The signed-in user, and the id of the session. */
export interface CurrentUser extends AccountView {
  sessionId: string;
}

/** Returns null if there is no cookie, if it was not issued by this server, or if the session was revoked or has expired. */
export async function readSession({
  runtime,
  cookie,
}: {
  runtime: Pick<Runtime, "db" | "clock" | "secret">;
  cookie: string | undefined;
}): Promise<CurrentUser | null> {
  if (!cookie) return null;
  const claims = await decode({ token: cookie, secret: runtime.secret }).catch(() => null);
  if (typeof claims?.sid !== "string") return null;
  const user = await findSessionUser({ db: runtime.db, clock: runtime.clock, sessionId: claims.sid });
  return user && { ...user, sessionId: claims.sid };
}
