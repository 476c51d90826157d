/** The links of the sidebar. */
"use client";

import { useQuery } from "@tanstack/react-query";
import {
  Activity,
  Boxes,
  Cable,
  ChartLine,
  CircleUser,
  KeyRound,
  LayoutGrid,
  ListTree,
  type LucideIcon,
  Settings2,
  Webhook,
} from "lucide-react";
import Link from "next/link";
import { usePathname } from "next/navigation";
import { endpointsQuery } from "../api/queries";
import { classNames } from "../components/class-names";

/** The sidebar lists up to this many endpoints. */
const ENDPOINTS_MAX = 12;

const LINK =
  "flex h-8 min-w-0 items-center gap-2.5 rounded-md px-2 text-ui no-underline transition-colors duration-[120ms] hover:bg-hover pointer-coarse:h-11";

export function Navigation({ projectId }: { projectId: string | undefined }) {
  const pathname = usePathname();
  if (projectId === undefined) {
    return (
      <ul className="flex flex-col gap-0.5">
        <NavLink href="/projects" icon={LayoutGrid} current={pathname === "/projects"}>
          Projects
        </NavLink>
        <NavLink href="/account" icon={CircleUser} current={pathname === "/account"}>
          Account
        </NavLink>
      </ul>
    );
  }
  const base = `/p/${projectId}`;
  return (
    <ul className="flex flex-col gap-0.5">
      <NavLink href={base} icon={LayoutGrid} current={pathname === base}>
        Overview
      </NavLink>
      <NavLink href={`${base}/endpoints`} icon={Boxes} current={pathname === `${base}/endpoints`}>
        Endpoints
      </NavLink>
      <EndpointLinks projectId={projectId} pathname={pathname} />
      <NavLink href={`${base}/live`} icon={Activity} current={pathname === `${base}/live`}>
        Live
      </NavLink>
      <NavLink href={`${base}/keys`} icon={KeyRound} current={pathname === `${base}/keys`}>
        Keys
      </NavLink>
      <NavLink href={`${base}/connections`} icon={Cable} current={pathname === `${base}/connections`}>
        Connections
      </NavLink>
      <NavLink href={`${base}/webhooks`} icon={Webhook} current={pathname.startsWith(`${base}/webhooks`)}>
        Webhooks
      </NavLink>
      <NavLink href={`${base}/usage`} icon={ChartLine} current={pathname === `${base}/usage`}>
        Usage
      </NavLink>
      <NavLink href={`${base}/requests`} icon={ListTree} current={pathname === `${base}/requests`}>
        Requests
      </NavLink>
      <NavLink href={`${base}/settings`} icon={Settings2} current={pathname === `${base}/settings`}>
        Settings
      </NavLink>
    </ul>
  );
}

function EndpointLinks({ projectId, pathname }: { projectId: string; pathname: string }) {
  const { data: endpoints = [] } = useQuery(endpointsQuery(projectId));
  if (endpoints.length === 0) return null;
  return (
    <li>
      <ul className="flex flex-col gap-0.5 pb-1">
        {endpoints.slice(0, ENDPOINTS_MAX).map(({ id, name }) => {
          const base = `/p/${projectId}/endpoints/${id}`;
          const current = pathname.startsWith(`${base}/`);
          return (
            <li key={id}>
              <Link
                href={`${base}/live`}
                title={name}
                aria-current={current ? "page" : undefined}
                className={classNames(LINK, "pl-[34px] font-mono text-data", current ? "bg-hover text-text" : "text-muted hover:text-text")}
              >
                <span className="truncate">{name}</span>
              </Link>
            </li>
          );
        })}
      </ul>
    </li>
  );
}

function NavLink({ href, icon: Icon, current, children }: { href: string; icon: LucideIcon; current: boolean; children: string }) {
  return (
    <li>
      <Link
        href={href}
        aria-current={current ? "page" : undefined}
        className={classNames(LINK, current ? "bg-hover font-medium text-text" : "text-muted hover:text-text")}
      >
        <Icon className="size-4 shrink-0" strokeWidth={1.75} aria-hidden="true" />
        <span className="truncate">{children}</span>
      </Link>
    </li>
  );
}
