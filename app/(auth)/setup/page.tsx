/** The first administrator, by the link that the server printed. */
import type { Metadata } from "next";
import Link from "next/link";
import { isSetupToken } from "@/src/management/keys/secrets";
import { isSetupNeeded } from "@/src/management/setup/first-admin";
import { getRuntime } from "@/src/runtime/registry";
import { AccountForm } from "@/src/ui/auth/account-form";
import { AuthCard } from "@/src/ui/auth/auth-card";
import { ButtonLink } from "@/src/ui/components/button-link";

// The address holds a secret: it must not go anywhere as a referrer.
export const metadata: Metadata = { title: "Set up", referrer: "no-referrer" };

export default async function SetupPage({ searchParams }: { searchParams: Promise<Record<string, string | string[] | undefined>> }) {
  const { db, secret } = getRuntime();
  if (!(await isSetupNeeded({ db }))) {
    return (
      <AuthCard title="Set-up is done" note="This server has its administrator already.">
        <div>
          <ButtonLink tone="primary" href="/login">
            Sign in
          </ButtonLink>
        </div>
      </AuthCard>
    );
  }
  const { token } = await searchParams;
  if (typeof token !== "string" || !isSetupToken(secret, token)) {
    return (
      <AuthCard
        title={token === undefined ? "Set-up needs its link" : "This set-up link is not valid"}
        note="The server prints the link in its terminal each time it starts, until there is an account. Open that one."
        foot={
          <>
            Have an account?{" "}
            <Link href="/login" className="text-focus underline underline-offset-2">
              Sign in
            </Link>
          </>
        }
      />
    );
  }
  return (
    <AuthCard title="Create your account" note="You are the first here, and become this server's administrator.">
      <AccountForm setupToken={token} />
    </AuthCard>
  );
}
