/** For addresses that lead nowhere, outside the dashboard's frame. */
import type { Metadata } from "next";
import { Nothing } from "@/src/ui/components/page/nothing";

export const metadata: Metadata = { title: "Not found" };

export default function NotFoundPage() {
  return (
    <main className="flex min-h-dvh justify-center px-4 pt-[14dvh]">
      <Nothing />
    </main>
  );
}
