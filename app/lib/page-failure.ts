/** Gives failures of pages a request id, which the page that is shown instead and the log both have. */
import { cache } from "react";
import { getRuntime } from "@/src/runtime/registry";
import { createRequestId } from "@/src/shared/http/problem";

/** One id for all that fails during one request. */
const getRequestId = cache(createRequestId);

/** The result of `read`. If it throws, the error is logged and shown with a request id. */
export async function orPageFailure<Value>(read: () => Promise<Value>): Promise<Value> {
  try {
    return await read();
  } catch (error) {
    throw toPageFailure(error);
  }
}

/** Next.js shows the browser nothing of an error but its `digest`. Redirects and the like have one already. */
export function toPageFailure(error: unknown): Error {
  const failure = error instanceof Error ? error : new Error(String(error));
  if ("digest" in failure) return failure;
  const requestId = getRequestId();
  getRuntime().log.error({ err: failure, requestId }, "a page could not be loaded");
  return Object.assign(failure, { digest: requestId });
}
