/** How a project is, in one line that links to its numbers. */
"use client";

import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { type Health, toHealth } from "./format-traffic";
import { HOUR, trafficQuery } from "./traffic-queries";

const DOTS: Readonly<Record<Health["tone"], string>> = { quiet: "bg-control", good: "bg-live", warn: "bg-warn", bad: "bg-delete" };

export function HealthLine({ projectId }: { projectId: string }) {
  const { data } = useQuery(trafficQuery(projectId, HOUR));
  // The space is reserved while the numbers load.
  if (!data) return <span className="block h-5" />;
  const { tone, text } = toHealth(data);
  return (
    <Link href={`/p/${projectId}/usage`} className="inline-flex items-baseline gap-2 no-underline hover:underline">
      <span aria-hidden="true" className={`size-2 shrink-0 translate-y-[-1px] rounded-full ${DOTS[tone]}`} />
      {text}
    </Link>
  );
}
