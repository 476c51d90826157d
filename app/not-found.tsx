/** Shown for unknown URLs outside of the dashboard. */
import type { Metadata } from "next";
import { NotFound } from "@/src/ui/components/page/not-found";

export const metadata: Metadata = { title: "Page not found" };

export default function NotFoundPage() {
  return (
    <main>
      <NotFound withLogo />
    </main>
  );
}
