/** Shown when a page of a project fails, inside the dashboard's frame. */
"use client";

import { PageFailure } from "@/src/ui/components/page/page-failure";

export default function ProjectErrorPage({ error, retry }: { error: unknown; retry: () => void }) {
  return <PageFailure error={error} onRetry={retry} />;
}
