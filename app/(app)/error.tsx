/** Shown when a page of the dashboard fails. */
"use client";

import { PageFailure } from "@/src/ui/components/page/page-failure";

export default function AppErrorPage({ error, retry }: { error: unknown; retry: () => void }) {
  return (
    <main className="flex justify-center px-4 pt-[14dvh]">
      <PageFailure error={error} onRetry={retry} />
    </main>
  );
}
