/** Hands what the server has read to the page's query client, so that the first paint is of real data. */
import { dehydrate, HydrationBoundary, QueryClient, type QueryKey } from "@tanstack/react-query";
import type { ReactNode } from "react";

/** `data`: key and answer of each query, as the management API would answer it. */
export function Prefetched({ data, children }: { data: readonly (readonly [QueryKey, unknown])[]; children: ReactNode }) {
  const client = new QueryClient();
  for (const [key, answer] of data) client.setQueryData(key, answer);
  return <HydrationBoundary state={dehydrate(client)}>{children}</HydrationBoundary>;
}
