/** Shown for unknown URLs outside of projects. */
import type { Metadata } from "next";
import { NotFound } from "@/src/ui/components/page/not-found";

export const metadata: Metadata = { title: "Page not found" };

export default function NotFoundPage() {
  return (
    <main className="flex min-h-dvh justify-center px-4 pt-[14dvh]">
      <NotFound />
    </main>
  );
}
