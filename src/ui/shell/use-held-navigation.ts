/** Holds a click on a link while the server does not respond, so that the current page, with all that it has received, stays until then. */
"use client";

import { useRouter } from "next/navigation";
import { useEffect, useRef, useState } from "react";
import { isServerAway, untilServerIsBack } from "../api/server-state";

/** True while a click is held. */
export function useHeldNavigation(): boolean {
  const router = useRouter();
  const [isHolding, setHolding] = useState(false);
  /** The path of the last link that was clicked. */
  const chosen = useRef<string>(undefined);
  useEffect(() => {
    const onClick = (event: MouseEvent) => {
      const path = isServerAway() ? toOwnPath(event) : undefined;
      if (path === undefined) return;
      // Before the router, which listens further down.
      event.preventDefault();
      event.stopPropagation();
      chosen.current = path;
      setHolding(true);
      void untilServerIsBack().then(() => {
        if (chosen.current !== path) return;
        chosen.current = undefined;
        setHolding(false);
        router.push(path);
      });
    };
    window.addEventListener("click", onClick, { capture: true });
    return () => window.removeEventListener("click", onClick, { capture: true });
  }, [router]);
  return isHolding;
}

/** The path of a link of this dashboard, if the click opens it in this tab. */
function toOwnPath({ target, button, metaKey, ctrlKey, shiftKey, altKey }: MouseEvent): string | undefined {
  const link = target instanceof Element ? target.closest("a[href]") : null;
  if (!(link instanceof HTMLAnchorElement) || button !== 0 || metaKey || ctrlKey || shiftKey || altKey) return undefined;
  const { origin, pathname, search, hash } = new URL(link.href);
  const isHere = pathname === location.pathname && search === location.search && hash !== "";
  if (origin !== location.origin || link.target || link.hasAttribute("download") || pathname.startsWith("/api/") || isHere)
    return undefined;
  return `${pathname}${search}${hash}`;
}
