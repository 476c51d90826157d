/** Sign-up, on servers where anyone can create an account. */
import type { Metadata } from "next";
import { redirect } from "next/navigation";
import { getCurrentUser } from "@/app/lib/sign-in/current-user";
import { isSetupNeeded } from "@/src/management/setup/first-admin";
import { getRuntime } from "@/src/runtime/registry";
import { AccountForm } from "@/src/ui/auth/account-form";
import { AuthCard } from "@/src/ui/auth/auth-card";

export const metadata: Metadata = { title: "Create an account" };

export default async function SignupPage() {
  if (await getCurrentUser()) redirect("/");
  const { config, db } = getRuntime();
  const foot = (
    <>
      Have an account?{" "}
      <a href="/login" className="text-focus underline underline-offset-2">
        Sign in
      </a>
    </>
  );
  if (config.signup === "closed" || (await isSetupNeeded({ db }))) {
    return <AuthCard title="Sign-up is closed" note="Ask this server’s administrator for an account." foot={foot} />;
  }
  return (
    <AuthCard title="Create your account" foot={foot}>
      <AccountForm />
    </AuthCard>
  );
}
