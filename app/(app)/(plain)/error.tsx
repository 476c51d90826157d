/** Shown when a page outside of projects fails, inside the dashboard's frame. */
"use client";

import { PageFailure } from "@/src/ui/components/page/page-failure";

export default function PlainErrorPage({ error, retry }: { error: unknown; retry: () => void }) {
  return <PageFailure error={error} onRetry={retry} />;
}
