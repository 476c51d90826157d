/** For pages of people who are signed in. It must not decide what they may see there. */
import { redirect } from "next/navigation";
import { getCurrentUser } from "./current-user";
import type { CurrentUser } from "./read-session";

/** The signed-in person; others are sent to sign in, and come back to `path`. */
export async function requireUser(path: string): Promise<CurrentUser> {
  return (await getCurrentUser()) ?? redirect(`/login?${new URLSearchParams({ next: path })}`);
}
