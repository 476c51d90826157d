/** The frame of the dashboard: the page and a sidebar, which is a menu on narrow screens. */
"use client";

import { Menu as MenuIcon } from "lucide-react";
import Link from "next/link";
import { usePathname } from "next/navigation";
import { lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import { AccountProvider, type PageAccount } from "../api/account-context";
import { buttonClass } from "../components/button";
import { Wordmark } from "../components/wordmark";
import { AccountMenu } from "./account-menu";
import { Navigation } from "./navigation";
import { PageNotices } from "./page-notices";
import { ProjectSwitcher } from "./project-switcher";

const Drawer = lazy(async () => ({ default: (await import("./drawer")).Drawer }));

export function Shell({ user, projectId, children }: { user: PageAccount; projectId?: string; children: ReactNode }) {
  return (
    <AccountProvider account={user}>
      <div className="flex min-h-dvh flex-col md:flex-row">
        <a
          href="#content"
          className="sr-only focus:not-sr-only focus:absolute focus:top-2 focus:left-2 focus:z-10 focus:rounded-md focus:bg-text focus:px-3 focus:py-1.5 focus:text-bg"
        >
          Skip to content
        </a>
        <aside className="sticky top-0 hidden h-dvh w-56 shrink-0 border-r border-line md:block">
          <Sidebar user={user} projectId={projectId} />
        </aside>
        <TopBar user={user} projectId={projectId} />
        <main id="content" tabIndex={-1} className="min-w-0 flex-1 outline-none">
          {children}
        </main>
        <PageNotices account={user} />
      </div>
    </AccountProvider>
  );
}

function Sidebar({ user, projectId }: { user: PageAccount; projectId: string | undefined }) {
  return (
    <div className="flex h-full flex-col">
      <Link href="/projects" className="mx-2 mt-2 flex h-10 shrink-0 items-center rounded-md px-2 no-underline">
        <Wordmark />
      </Link>
      <div className="px-2 pt-1 pb-3">
        <ProjectSwitcher projectId={projectId} />
      </div>
      <nav aria-label="Main" className="min-h-0 flex-1 overflow-y-auto px-2 pb-4">
        <Navigation projectId={projectId} />
      </nav>
      <div className="border-t border-line p-2">
        <AccountMenu user={user} />
      </div>
    </div>
  );
}

/** For narrow screens only. */
function TopBar({ user, projectId }: { user: PageAccount; projectId: string | undefined }) {
  const [open, setOpen] = useState(false);
  const [wasOpen, setWasOpen] = useState(false);
  if (open && !wasOpen) setWasOpen(true);
  const pathname = usePathname();
  // biome-ignore lint/correctness/useExhaustiveDependencies: navigation closes the menu
  useEffect(() => setOpen(false), [pathname]);
  return (
    <header className="sticky top-0 z-10 flex h-12 items-center justify-between border-b border-line bg-bg pr-1 pl-4 md:hidden">
      <Link href="/projects" className="no-underline">
        <Wordmark />
      </Link>
      <button
        type="button"
        aria-label="Menu"
        aria-expanded={open}
        onClick={() => setOpen(true)}
        className={buttonClass("quiet", { square: true })}
      >
        <MenuIcon className="size-[18px]" aria-hidden="true" />
      </button>
      {wasOpen ? (
        <Suspense fallback={null}>
          <Drawer open={open} onOpenChange={setOpen}>
            <Sidebar user={user} projectId={projectId} />
          </Drawer>
        </Suspense>
      ) : null}
    </header>
  );
}
