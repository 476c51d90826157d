/** The start page: redirects to setup, sign-in or the projects. */
import { redirect } from "next/navigation";
import { isSetupNeeded } from "@/src/management/setup/first-admin";
import { getRuntime } from "@/src/runtime/registry";
import { getCurrentUser } from "./lib/sign-in/current-user";

export default async function StartPage() {
  if (await getCurrentUser()) redirect("/projects");
  const { db } = getRuntime();
  redirect((await isSetupNeeded({ db })) ? "/setup" : "/login");
}
