/** What all pages of signed-in people share: the query client and the notices. Who is signed in, each page asks for itself. */
import type { ReactNode } from "react";
import { QueryProvider } from "@/src/ui/api/query-provider";
import { Notifications } from "@/src/ui/notifications/notifications";

export default function AppLayout({ children }: { children: ReactNode }) {
  return (
    <QueryProvider>
      {children}
      <Notifications />
    </QueryProvider>
  );
}
