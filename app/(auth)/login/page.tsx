/** The sign-in page. */
import type { Metadata } from "next";
import { redirect } from "next/navigation";
import { toNextPath } from "@/app/lib/next-path";
import { getCurrentUser } from "@/app/lib/sign-in/current-user";
import { isSetupNeeded } from "@/src/management/setup/first-admin";
import { getRuntime } from "@/src/runtime/registry";
import { AuthCard } from "@/src/ui/auth/auth-card";
import { LoginForm } from "@/src/ui/auth/login-form";

export const metadata: Metadata = { title: "Sign in" };

export default async function LoginPage({ searchParams }: { searchParams: Promise<Record<string, string | string[] | undefined>> }) {
  const { next: requested } = await searchParams;
  const next = toNextPath(requested);
  if (await getCurrentUser()) redirect(next);
  const { config, db } = getRuntime();
  if (await isSetupNeeded({ db })) {
    return (
      <AuthCard
        title="This server has no account yet"
        note="Open the setup link that the server printed in its terminal when it started. It creates the first account."
      />
    );
  }
  return (
    <AuthCard
      title="Sign in"
      foot={
        <div className="flex flex-col gap-2">
          <p>
            <a href="/forgot" className="text-focus underline underline-offset-2">
              Forgot your password?
            </a>
          </p>
          {config.signup === "open" ? (
            <p>
              No account yet?{" "}
              <a href="/signup" className="text-focus underline underline-offset-2">
                Create an account
              </a>
            </p>
          ) : null}
        </div>
      }
    >
      <LoginForm next={next} />
    </AuthCard>
  );
}
