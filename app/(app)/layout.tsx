/** Shared by all pages for signed-in users: the query client and the notifications. Each page checks the session itself. */
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
