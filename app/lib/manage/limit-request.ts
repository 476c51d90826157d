/** Holds a request to the limits of the management API: its rate, and its turn (G23). It must hold no limit itself (src/core/limits/management-limits.ts does). */
import type { Runtime } from "@/src/runtime/registry";
import { toRateHeaders } from "@/src/shared/http/rate-headers";

type Limits = Runtime["managementLimits"];
export type LoadKind = Parameters<Limits["enter"]>[0];
type Caller = Parameters<Limits["enter"]>[1];

export interface RequestTurn {
  /** Counts the request; from then on the answer says how its sender stands. Throws `rate_limited`. */
  count(caller: Caller): Promise<void>;
  /** Waits for the request's turn; does nothing when it has one. Call it once the body has arrived, so that a slow one takes no turn. */
  enter(): Promise<void>;
  /** The answer with the headers of the rate. The turn ends now, or, where the answer is read while it is sent, with its body. */
  finish(response: Response): Response;
}

/** `caller`: whose turn it is, asked for when the request enters. */
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
 * The same bytes; `end` is called once they were read, failed, or are not wanted any more. That is also when the client has gone: Next then neither reads
 * nor cancels a body that it has not begun to send.
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
