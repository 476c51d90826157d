/** Shown when the frame of the dashboard fails. */
"use client";

import { PageFailure } from "@/src/ui/components/page/page-failure";

export default function AppErrorPage({ error, retry }: { error: unknown; retry: () => void }) {
  return (
    <main>
      <PageFailure withLogo error={error} onRetry={retry} />
    </main>
  );
}
