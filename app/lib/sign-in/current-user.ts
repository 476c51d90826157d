/** Finds the signed-in user for server components. */
import { cookies } from "next/headers";
import { redirect } from "next/navigation";
import { cache } from "react";
import { getRuntime } from "@/src/runtime/registry";
import { getClientInfo } from "../current-page";
import { type CurrentUser, readSession } from "./read-session";
import { cookieNames } from "./session-cookie";

/** The signed-in user, or null. Looked up once per request. */
export const getCurrentUser = cache(async (): Promise<CurrentUser | null> => {
  const runtime = getRuntime();
  const client = await getClientInfo(runtime.config.publicUrl);
  return readSession({ runtime, cookie: (await cookies()).get(cookieNames(client).session)?.value });
});

/** The signed-in user. Others are redirected to the sign-in page and return to `path` afterwards. */
export async function requireUser(path: string): Promise<CurrentUser> {
  return (await getCurrentUser()) ?? redirect(`/login?${new URLSearchParams({ next: path })}`);
}
