/** The management API: what it can do, and a form to try it. */
import type { Metadata } from "next";
import { getClientInfo, getOrigin } from "@/app/lib/current-page";
import { requireUser } from "@/app/lib/sign-in/current-user";
import { cookieNames } from "@/app/lib/sign-in/session-cookie";
import { toManageDocument } from "@/src/management/openapi/manage/document";
import { getRuntime } from "@/src/runtime/registry";
import { ManageDocsPage } from "@/src/ui/docs/manage-docs-page";

export const metadata: Metadata = { title: "Management API" };

export default async function Page() {
  await requireUser("/account/api");
  const { config } = getRuntime();
  const { session } = cookieNames(await getClientInfo(config.publicUrl));
  const origin = await getOrigin(config.publicUrl);
  return <ManageDocsPage document={toManageDocument({ sessionCookie: session, origin })} origin={origin} />;
}
