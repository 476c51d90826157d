/** Tells server components who is signed in. It must not redirect: pages decide that. */
import { cookies } from "next/headers";
import { cache } from "react";
import { getRuntime } from "@/src/runtime/registry";
import { getClientInfo } from "../current-page";
import { type CurrentUser, readSession } from "./read-session";
import { cookieNames } from "./session-cookie";

/** The signed-in person or null; looked up once for each request, however often it is asked. */
export const getCurrentUser = cache(async (): Promise<CurrentUser | null> => {
  const runtime = getRuntime();
  const client = await getClientInfo(runtime.config.publicUrl);
  return readSession({ runtime, cookie: (await cookies()).get(cookieNames(client).session)?.value });
});
