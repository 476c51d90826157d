/** Applies the limits of the management API to a request: its rate, and its turn (G23). The limits are in src/core/limits/management-limits.ts. */
import type { Runtime } from "@/src/runtime/registry";
import { toRateHeaders } from "@/src/shared/http/rate-headers";

type Limits = Runtime["managementLimits"];
export type LoadKind = Parameters<Limits["enter"]>[0];
type Caller = Parameters<Limits["enter"]>[1];

export interface RequestTurn {
  /** Counts the request. From then on, the response carries the rate headers. Throws `rate_limited`. */
  count(caller: Caller): Promise<void>;
  /** Waits for the request's turn, and does nothing if it has one. Call it after the body has arrived, so that a slow body occupies no turn. */
  enter(): Promise<void>;
  /** Returns the response with the rate headers. The turn ends now, or with the body of a response that is streamed. */
  finish(response: Response): Response;
}

/** `caller`: called when the request waits for its turn, for the account or address whose turn it is. */
export function createRequestTurn({
  limits,
  request,
  kind,
  caller,
}: {
  limits: Limits;
  request: Request;
  kind: LoadKind;
  caller: () => Caller;
}): RequestTurn {
  const headers = new Map<string, string>();
  let entering: Promise<() => void> | undefined;
  const leave = () => void entering?.then((end) => end()).catch(() => undefined);

  return {
    count: (counted) =>
      limits.count(counted, {
        headers: request.headers,
        onVerdict: (verdict) => {
          for (const [name, value] of Object.entries(toRateHeaders(verdict))) headers.set(name, value);
        },
      }),
    async enter() {
      entering ??= limits.enter(kind, caller(), request.signal);
      await entering;
    },
    finish(response) {
      const isStreamed = response.ok && response.body !== null && (kind === "export" || kind === "download");
      const answer = isStreamed ? new Response(onEnd(response.body, request, leave), response) : response;
      if (!isStreamed) leave();
      for (const [name, value] of headers) answer.headers.set(name, value);
      return answer;
    },
  };
}

/**
 * Returns the same bytes. `end` is called after they were read, failed, or are no longer needed. That includes a disconnected client: Next.js neither reads nor cancels a
 * body that it has not started to send.
 */
function onEnd(body: ReadableStream<Uint8Array>, request: Request, end: () => void): ReadableStream<Uint8Array> {
  const { signal } = request;
  const reader = body.getReader();
  const settle = () => {
    signal.removeEventListener("abort", giveUp);
    end();
  };
  const giveUp = () => {
    settle();
    reader.cancel(signal.reason).catch(() => undefined);
  };
  signal.addEventListener("abort", giveUp);
  if (signal.aborted) giveUp();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
          controller.close();
        } catch (error) {
          controller.error(error);
        }
        settle();
      },
      async cancel(reason) {
        settle();
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
