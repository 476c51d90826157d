/** The one cache of what the server said, for the page. A session that has ended leads to the sign-in page. */
"use client";

import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { isUnanswered, RequestError } from "./request-error";

const FRESH_MS = 10_000;
/** How often a query that nothing but the network failed is asked again. */
const UNANSWERED_MS = 10_000;

export function QueryProvider({ children }: { children: ReactNode }) {
  const [client] = useState(createClient);
  return <QueryClientProvider client={client}>{children}</QueryClientProvider>;
}

function createClient(): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({ onError: leaveWhenSignedOut }),
    defaultOptions: {
      queries: {
        staleTime: FRESH_MS,
        // Asking again changes nothing about an answer of the kind 4xx.
        retry: (failures, error) => failures < 2 && (isUnanswered(error) || !isClientError(error)),
        // A network or a server that was away comes back without the reader doing anything.
        refetchInterval: ({ state: { error } }) => (isUnanswered(error) ? UNANSWERED_MS : false),
      },
    },
  });
}

function isClientError(error: Error): boolean {
  return error instanceof RequestError && error.status >= 400 && error.status < 500;
}

function leaveWhenSignedOut(error: Error): void {
  if (!(error instanceof RequestError) || error.code !== "session_missing") return;
  const { pathname, search } = window.location;
  window.location.assign(`/login?${new URLSearchParams({ next: `${pathname}${search}` })}`);
}
