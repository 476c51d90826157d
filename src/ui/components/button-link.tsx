/** A link that looks like a button. Separate from Button, so that pages without links do not load the router. */
import Link from "next/link";
import type { ReactNode } from "react";
import { type ButtonTone, buttonClass } from "./button";

export function ButtonLink({
  tone = "secondary",
  href,
  children,
  prefetch,
}: {
  tone?: ButtonTone;
  href: string;
  children: ReactNode;
  prefetch?: boolean;
}) {
  return (
    <Link href={href} className={buttonClass(tone)} {...(prefetch === undefined ? {} : { prefetch })}>
      {children}
    </Link>
  );
}
