/** Tells server components who is signed in. It must not redirect: pages decide that. */
import { cookies } from "next/headers";
import { cache } from "react";
import { getRuntime } from "@/src/runtime/registry";
import { type CurrentUser, readSession } from "./read-session";
import { SESSION_COOKIE } from "./session-cookie";

/** The signed-in person or null; looked up once for each request, however often it is asked. */
export const getCurrentUser = cache(async (): Promise<CurrentUser | null> => {
  const cookie = (await cookies()).get(SESSION_COOKIE)?.value;
  return readSession({ runtime: getRuntime(), cookie });
});
