/** The next-auth options: sign-in by e-mail and password, with a token that names a session row. Created per request, because cookies depend on it. */
import type { AuthOptions, CookieOption } from "next-auth";
import type { JWT } from "next-auth/jwt";
import CredentialsProvider from "next-auth/providers/credentials";
import { authenticateUser } from "@/src/management/accounts/authenticate-user";
import { createSession, findSessionUser, revokeSession, SESSION_DAYS } from "@/src/management/accounts/sessions";
import type { Runtime } from "@/src/runtime/registry";
import { isAppError } from "@/src/shared/errors";
import { checkBody } from "@/src/shared/field-problems";
import { loginSchema } from "@/src/shared/management/schemas";
import type { ClientInfo } from "../manage/client-info";
import { cookieNames } from "./session-cookie";

/** Aborts a next-auth action if the session no longer exists. next-auth then clears the cookie. */
class SessionEnded extends Error {
  override readonly name = "SessionEnded";
}

export interface AuthOptionsRequest {
  runtime: Runtime;
  client: ClientInfo;
  /**
   * Receives the errors that next-auth would swallow, such as too many attempts or an unavailable database. The caller responds with the error
   * instead of next-auth's response, which would be "wrong password" or a cleared cookie.
   */
  onFailure: (error: unknown) => void;
}

export function createAuthOptions({ runtime, client, onFailure }: AuthOptionsRequest): AuthOptions {
  const { db, clock, signIns, log, secret } = runtime;
  const names = cookieNames(client);
  const guarded = async <Value>(run: () => Promise<Value>): Promise<Value> => {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof SessionEnded)) onFailure(error);
      throw error;
    }
  };

  return {
    secret,
    session: { strategy: "jwt", maxAge: SESSION_DAYS * 86_400 },
    useSecureCookies: client.secure,
    cookies: {
      sessionToken: toCookie(names.session, client.secure),
      csrfToken: toCookie(names.csrf, client.secure),
      callbackUrl: toCookie(names.callback, client.secure),
    },
    pages: { signIn: "/login", signOut: "/login", error: "/login" },
    providers: [
      CredentialsProvider({
        credentials: { email: { label: "E-mail", type: "email" }, password: { label: "Password", type: "password" } },
        authorize: (credentials) =>
          guarded(async () => {
            // next-auth passes its own form fields as well.
            const checked = checkBody(loginSchema, { email: credentials?.email, password: credentials?.password });
            if (!checked.ok) return null;
            const { passwords, loginLimiter: limiter } = runtime;
            return authenticateUser({ db, passwords, limiter, ...checked.value, address: client.address });
          }),
      }),
    ],
    callbacks: {
      /** Creates a session at sign-in, and verifies afterwards that it still exists. The token contains no personal data. */
      jwt: ({ token, user }) =>
        guarded(async (): Promise<JWT> => {
          const { userAgent, address } = client;
          if (user) return { sub: user.id, sid: await createSession({ db, clock, userId: user.id, userAgent, address }) };
          if (typeof token.sid !== "string" || !(await findSessionUser({ db, clock, sessionId: token.sid }))) throw new SessionEnded();
          return { sub: token.sub ?? "", sid: token.sid };
        }),
      session: ({ session, token }) =>
        guarded(async () => {
          const user = typeof token.sid === "string" ? await findSessionUser({ db, clock, sessionId: token.sid }) : null;
          if (!user) throw new SessionEnded();
          return { ...session, user: { name: user.name, email: user.email } };
        }),
    },
    events: {
      signOut: ({ token }) =>
        guarded(async () => {
          if (typeof token?.sid !== "string" || token.sub === undefined) return;
          await revokeSession({ db, clock, signIns, userId: token.sub, sessionId: token.sid }).catch((error: unknown) => {
            // The session has already ended, which is what was requested.
            if (!isAppError(error) || error.code !== "not_found") throw error;
          });
        }),
    },
    logger: {
      // An old or foreign cookie is not a server error. Server errors reach `onFailure`.
      error: (code, metadata) => log.debug({ code, err: metadata instanceof Error ? metadata : metadata.error }, "next-auth"),
      warn: (code) => log.debug({ code }, "next-auth"),
      debug: () => undefined,
    },
  };
}

function toCookie(name: string, secure: boolean): CookieOption {
  return { name, options: { httpOnly: true, sameSite: "lax", path: "/", secure } };
}
