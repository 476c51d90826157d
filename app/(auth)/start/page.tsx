/** The first page of a new account: one field, which leads to the console. */
import type { Metadata } from "next";
import { requireUser } from "@/app/lib/sign-in/current-user";
import { AuthCard } from "@/src/ui/auth/auth-card";
import { StartForm } from "@/src/ui/auth/start-form";
import { StartFromTemplate } from "@/src/ui/templates/start-from-template";

export const metadata: Metadata = { title: "What are you storing?" };

export default async function StartPage() {
  await requireUser("/start");
  return (
    <AuthCard
      title="What are you storing?"
      note="We’ll create an endpoint that stores JSON and streams every change, then open its console."
      foot={
        <a href="/projects" className="text-focus underline underline-offset-2">
          Skip for now
        </a>
      }
    >
      <StartForm />
      <StartFromTemplate />
    </AuthCard>
  );
}
