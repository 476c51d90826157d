/** Sets a new password with the token of an e-mail. */
import type { Metadata } from "next";
import { AuthCard } from "@/src/ui/auth/auth-card";
import { ResetForm } from "@/src/ui/auth/reset-form";

// The URL contains a secret, which must not be sent as a referrer.
export const metadata: Metadata = { title: "Choose a new password", referrer: "no-referrer" };

export default async function ResetPage({ searchParams }: { searchParams: Promise<Record<string, string | string[] | undefined>> }) {
  const { reset } = await searchParams;
  return (
    <AuthCard
      title="Choose a new password"
      note="This ends all your sessions."
      foot={
        <a href="/forgot" className="text-focus underline underline-offset-2">
          Send another e-mail
        </a>
      }
    >
      <ResetForm token={typeof reset === "string" ? reset : ""} />
    </AuthCard>
  );
}
