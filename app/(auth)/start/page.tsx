/** The first thing after an account is made: one field, then the console. */
import type { Metadata } from "next";
import Link from "next/link";
import { requireUser } from "@/app/lib/sign-in/current-user";
import { AuthCard } from "@/src/ui/auth/auth-card";
import { StartForm } from "@/src/ui/auth/start-form";

export const metadata: Metadata = { title: "What are you storing?" };

export default async function StartPage() {
  await requireUser("/start");
  return (
    <AuthCard
      title="What are you storing?"
      note="One answer makes an endpoint that stores JSON and streams every change. The console opens next."
      foot={
        <Link href="/projects" className="text-focus underline underline-offset-2">
          Skip to projects
        </Link>
      }
    >
      <StartForm />
    </AuthCard>
  );
}
