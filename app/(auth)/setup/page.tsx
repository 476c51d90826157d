/** Creates the first administrator, through the link that the server printed. */
import type { Metadata } from "next";
import { isSetupToken } from "@/src/management/keys/secrets";
import { isSetupNeeded } from "@/src/management/setup/first-admin";
import { getRuntime } from "@/src/runtime/registry";
import { AccountForm } from "@/src/ui/auth/account-form";
import { AuthCard } from "@/src/ui/auth/auth-card";
import { buttonClass } from "@/src/ui/components/button";

// The URL contains a secret, which must not be sent as a referrer.
export const metadata: Metadata = { title: "Set up", referrer: "no-referrer" };

export default async function SetupPage({ searchParams }: { searchParams: Promise<Record<string, string | string[] | undefined>> }) {
  const { db, secret } = getRuntime();
  if (!(await isSetupNeeded({ db }))) {
    return (
      <AuthCard title="Setup is complete" note="This server already has an administrator.">
        <div>
          <a href="/login" className={buttonClass("primary")}>
            Sign in
          </a>
        </div>
      </AuthCard>
    );
  }
  const { token } = await searchParams;
  if (typeof token !== "string" || !isSetupToken(secret, token)) {
    return (
      <AuthCard
        title={token === undefined ? "You need the setup link" : "This setup link isn’t valid"}
        note="Open the link the server printed in its terminal. It prints a new one at every start until an account exists."
        foot={
          <>
            Have an account?{" "}
            <a href="/login" className="text-focus underline underline-offset-2">
              Sign in
            </a>
          </>
        }
      />
    );
  }
  return (
    <AuthCard title="Create your account" note="You’re the first user, so you’ll be this server’s administrator.">
      <AccountForm setupToken={token} />
    </AuthCard>
  );
}
