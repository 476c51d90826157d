/** The header of an endpoint's pages: name, URL, tabs. The page below fills the window and scrolls separately. */
"use client";

import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { usePathname } from "next/navigation";
import type { ReactNode } from "react";
import type { EndpointKind } from "@/src/shared/streams/protocol";
import { endpointQuery } from "../api/queries";
import { Badge } from "../components/badge";
import { classNames } from "../components/class-names";
import { CopyAddress } from "./copy-address";
import { KIND_LABELS } from "./kind-choice";

const TABS: readonly { path: string; label: string; kinds?: readonly EndpointKind[] }[] = [
  { path: "records", label: "Records" },
  { path: "live", label: "Live" },
  { path: "users", label: "Users", kinds: ["authentication"] },
  { path: "access", label: "Access", kinds: ["data", "authentication"] },
  { path: "api", label: "API" },
  { path: "settings", label: "Settings" },
];

interface Props {
  projectId: string;
  endpointId: string;
  origin: string;
  children: ReactNode;
}

export function EndpointFrame({ projectId, endpointId, origin, children }: Props) {
  const pathname = usePathname();
  const { data: endpoint } = useQuery(endpointQuery(endpointId));
  const base = `/p/${projectId}/endpoints/${endpointId}`;
  const name = endpoint?.name ?? "";
  return (
    <div className="flex h-dvh min-h-0 flex-col max-md:h-[calc(100dvh-3rem)]">
      <header className="flex shrink-0 flex-wrap items-end justify-between gap-x-6 border-b border-line px-4">
        <div className="flex h-12 min-w-0 items-center gap-2">
          <h1 className="truncate font-mono text-ui font-semibold" title={name}>
            {name}
          </h1>
          {endpoint ? <CopyAddress projectId={projectId} origin={origin} name={endpoint.name} kind={endpoint.kind} /> : null}
          {endpoint && endpoint.kind !== "data" ? <Badge>{KIND_LABELS[endpoint.kind]}</Badge> : null}
          {endpoint?.kind !== "authentication" && endpoint?.secure ? <Badge>Secure</Badge> : null}
        </div>
        <nav aria-label="Endpoint" className="flex gap-1 max-sm:w-full max-sm:flex-wrap">
          {TABS.filter(({ kinds }) => kinds === undefined || (endpoint && kinds.includes(endpoint.kind))).map(({ path, label }) => {
            const current = pathname === `${base}/${path}`;
            return (
              <Link
                key={path}
                href={`${base}/${path}`}
                aria-current={current ? "page" : undefined}
                className={classNames(
                  "-mb-px flex h-12 items-center border-b-2 px-2.5 no-underline transition-colors duration-[120ms] max-sm:h-11",
                  current ? "border-text font-medium text-text" : "border-transparent text-muted hover:text-text",
                )}
              >
                {label}
              </Link>
            );
          })}
        </nav>
      </header>
      <div className="relative min-h-0 flex-1 overflow-y-auto">{children}</div>
    </div>
  );
}
