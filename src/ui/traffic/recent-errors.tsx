/** The last requests that failed, with their request ids. Nothing if there are none. */
"use client";

import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { ButtonLink } from "../components/button-link";
import { CopyButton } from "../components/copy-button";
import { Section } from "../components/page/page";
import { ProblemPanel } from "../components/page/problem-panel";
import { RelativeTime } from "../components/relative-time";
import { recentErrorsQuery } from "./traffic-queries";

export function RecentErrors({ projectId }: { projectId: string }) {
  const { data, error, refetch } = useQuery(recentErrorsQuery(projectId));
  if (error) return <ProblemPanel what="Couldn’t load recent errors." error={error} onRetry={() => void refetch()} />;
  if (!data || data.requests.length === 0) return null;
  return (
    <Section title="Recent errors" actions={<ButtonLink href={`/p/${projectId}/requests?outcome=error`}>All requests</ButtonLink>}>
      <ul className="divide-y divide-line rounded-md border border-line bg-surface">
        {data.requests.map(({ id, at, method, endpoint, status, code, detail, requestId }) => (
          <li key={id} className="flex min-h-row flex-wrap items-center gap-x-3 gap-y-1 px-3 py-1.5">
            <span className="shrink-0 font-mono text-data text-delete">{status}</span>
            <Link href={`/p/${projectId}/requests?requestId=${requestId}`} className="shrink-0 font-mono text-data">
              {code}
            </Link>
            <span className="min-w-40 flex-1 truncate text-muted" title={detail ?? undefined}>
              {method} <span className="font-mono text-data">{endpoint ?? "deleted endpoint"}</span> · {detail}
            </span>
            <span className="inline-flex shrink-0 items-center font-mono text-data text-muted max-md:hidden">
              {requestId.slice(0, 8)}…
              <CopyButton text={requestId} what="the request ID" />
            </span>
            <span className="w-24 shrink-0 text-right text-muted">
              <RelativeTime time={at} />
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
