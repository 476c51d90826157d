/** Tries to deliver one event, and decides what follows from the result (H3, H4). */
import type { Clock } from "@/src/core/clock";
import { OutboundError } from "@/src/core/webhooks/outbound-error";
import type { DeliveryOutcome, EventType, OutboundPost } from "@/src/core/webhooks/ports";
import { parseRetryAfter, RETRY_FOR_MS, toRetryMs } from "@/src/core/webhooks/retry";
import { toSignedHeaders } from "@/src/core/webhooks/signature";

/** An event that is to be sent. */
export interface Sending {
  eventId: string;
  endpointId: string;
  /** Null: a GAP. */
  recordId: string | null;
  epoch: string;
  seq: number;
  type: EventType;
  body: string;
  /** The number of earlier tries, and the time since the first of them. */
  attempts: number;
  ageMs: number;
}

export interface Tried {
  outcome: DeliveryOutcome;
  /** The receiver responded with 410. */
  isGone: boolean;
  /** The receiver asks for a pause of all deliveries (429 or 503 with Retry-After). */
  holdMs: number | undefined;
}

export interface DeliverOptions {
  post: OutboundPost;
  clock: Clock;
  url: string;
  secrets: readonly string[];
  retryFirstMs: number;
  signal: AbortSignal;
}

const USER_AGENT = "Rested-Webhooks/1";

/** Throws only the signal's reason: the result is not known then, and the event must be sent again. */
export async function deliver(sending: Sending, { post, clock, url, secrets, retryFirstMs, signal }: DeliverOptions): Promise<Tried> {
  const { eventId, body } = sending;
  const headers = {
    "content-type": "application/json",
    "user-agent": USER_AGENT,
    ...toSignedHeaders({ id: eventId, at: clock.now(), body, secrets }),
  };
  const startedAt = performance.now();
  const result = await post({ url, headers, body, signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    return {
      status: null,
      excerpt: null,
      retryAfter: undefined,
      error: error instanceof OutboundError ? error.message : "The request failed.",
    };
  });
  const durationMs = Math.round(performance.now() - startedAt);
  const { status, retryAfter } = result;
  const isDelivered = status !== null && status >= 200 && status < 300;
  const attempts = sending.attempts + 1;
  const isGivenUp = !isDelivered && sending.ageMs >= RETRY_FOR_MS;
  const isRetried = !isDelivered && !isGivenUp;
  const isGone = status === 410;
  const outcome: DeliveryOutcome = {
    ...toPlace(sending),
    state: isDelivered ? "delivered" : isGivenUp ? "failed" : "retrying",
    attempts: 1,
    status,
    error: "error" in result ? result.error : isDelivered ? null : toProblem(status ?? 0),
    excerpt: result.excerpt === "" ? null : result.excerpt,
    durationMs,
    retryMs: isRetried ? toRetryMs({ attempts, firstMs: retryFirstMs, retryAfter, now: clock.now() }) : null,
    // A delivered change can be read from the log again, a GAP cannot.
    body: isDelivered && sending.type !== "GAP" ? null : body,
  };
  const holdMs = status === 429 || status === 503 ? parseRetryAfter(retryAfter, clock.now()) : undefined;
  return { outcome, isGone, holdMs };
}

/** The outcome of an event that waits behind an earlier one of the same record. */
export function toWaiting(sending: Sending): DeliveryOutcome {
  return {
    ...toPlace(sending),
    ...{ state: "waiting", attempts: 0, status: null, error: null, excerpt: null, durationMs: null, retryMs: null, body: sending.body },
  };
}

function toPlace({ eventId, endpointId, recordId, epoch, seq, type }: Sending) {
  return { eventId, endpointId, recordId, epoch, seq, type };
}

function toProblem(status: number): string {
  if (status >= 300 && status < 400) return `The receiver responded with ${status}. Redirects are not followed.`;
  return `The receiver responded with ${status}.`;
}
