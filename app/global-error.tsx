/** Shown when the root layout fails. It renders its own document and does not rely on fonts. */
"use client";

import { PageFailure } from "@/src/ui/components/page/page-failure";
import "./globals.css";

export default function GlobalErrorPage({ error, retry }: { error: unknown; retry: () => void }) {
  return (
    <html lang="en">
      <head>
        <title>This page couldn’t be loaded · Rested</title>
      </head>
      <body>
        <main>
          <PageFailure withLogo error={error} onRetry={retry} />
        </main>
      </body>
    </html>
  );
}
