/** The beginning: leads to set-up, sign-in or the projects, whichever is due. */
import { redirect } from "next/navigation";
import { isSetupNeeded } from "@/src/management/setup/first-admin";
import { getRuntime } from "@/src/runtime/registry";
import { getCurrentUser } from "./lib/sign-in/current-user";

export default async function BeginningPage() {
  if (await getCurrentUser()) redirect("/projects");
  const { db } = getRuntime();
  redirect((await isSetupNeeded({ db })) ? "/setup" : "/login");
}
