/** "Forgot your password?": requests an e-mail with which to set a new one, or says what to do on a server that cannot send e-mail. */
import type { Metadata } from "next";
import { getRuntime } from "@/src/runtime/registry";
import { AuthCard } from "@/src/ui/auth/auth-card";
import { ForgotForm } from "@/src/ui/auth/forgot-form";

export const metadata: Metadata = { title: "Forgot your password?" };

export default async function ForgotPage() {
  const { mailer } = getRuntime();
  const foot = (
    <a href="/login" className="text-focus underline underline-offset-2">
      Back to sign-in
    </a>
  );
  if (!(await mailer.isConfigured(null))) {
    return (
      <AuthCard
        title="This server can’t send e-mail"
        note={
          <>
            Ask its administrator for help. If that’s you, set <code className="text-data">RESTED_SMTP_URL</code> and{" "}
            <code className="text-data">RESTED_SMTP_FROM</code>, restart the server, and come back to this page.
          </>
        }
        foot={foot}
      />
    );
  }
  return (
    <AuthCard title="Forgot your password?" note="We’ll send an e-mail with which you can choose a new one." foot={foot}>
      <ForgotForm />
    </AuthCard>
  );
}
