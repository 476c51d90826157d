/** The frame of the pages for users who are not signed in. */
import type { ReactNode } from "react";

export default function AuthLayout({ children }: { children: ReactNode }) {
  return <main className="flex min-h-dvh justify-center px-4 pt-[14dvh] pb-10 max-sm:pt-10">{children}</main>;
}
