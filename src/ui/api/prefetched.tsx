/** Passes data that the server has read to the query client, so that the first paint shows real data. The only way to seed queries. */
import { dehydrate, HydrationBoundary, QueryClient, type QueryKey } from "@tanstack/react-query";
import type { ReactNode } from "react";

/** `data`: the key and the data of each query, in the form in which the management API returns it. */
export function Prefetched({ data, children }: { data: readonly (readonly [QueryKey, unknown])[]; children: ReactNode }) {
  const client = new QueryClient();
  for (const [key, value] of data) client.setQueryData(key, value);
  return <HydrationBoundary state={dehydrate(client)}>{children}</HydrationBoundary>;
}
