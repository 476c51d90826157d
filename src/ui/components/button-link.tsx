/** A link that looks like a button. Apart from the button, which is also on pages that can do without the router. */
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
