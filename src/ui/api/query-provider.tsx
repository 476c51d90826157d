/** The query cache of the page. */
"use client";

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { isTransportError, RequestError } from "./request-error";

const FRESH_MS = 10_000;
/** How often a query is retried that failed because the server did not respond. */
const RETRY_MS = 10_000;

export function QueryProvider({ children }: { children: ReactNode }) {
  const [client] = useState(createClient);
  return <QueryClientProvider client={client}>{children}</QueryClientProvider>;
}

function createClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: FRESH_MS,
        // A retry does not change a 4xx response.
        retry: (failures, error) => failures < 2 && (isTransportError(error) || !isClientError(error)),
        // Recovers by itself when the network or the server is available again.
        refetchInterval: ({ state: { error } }) => (isTransportError(error) ? RETRY_MS : false),
      },
    },
  });
}

function isClientError(error: Error): boolean {
  return error instanceof RequestError && error.status >= 400 && error.status < 500;
}
