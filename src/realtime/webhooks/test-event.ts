/** Sends a test event to the receiver of a webhook (H8), signed like any other, apart from its deliveries and also while it is paused. */
import { randomUUID } from "node:crypto";
import type { Clock } from "@/src/core/clock";
import { SealedError, type SecretBox } from "@/src/core/secrets/secret-box";
import { type OutboundPost, SECRET_UNREADABLE, type TestedWebhook, type WebhookTest } from "@/src/core/webhooks/ports";
import { toSecretPurpose } from "@/src/core/webhooks/signature";
import { AppError } from "@/src/shared/errors";
import { deliver } from "./deliver";
import type { RequestLanes } from "./request-lanes";

/** From the request to the result, the wait for a place included. */
const TEST_MS_MAX = 30_000;
const BUSY_SECONDS = 10;

/**
 * Returns how the receiver responded, or why it did not. `late`: aborts when the time for the test is over. Throws `server_busy` if the event could not be
 * sent before that, and the reason of `signal`.
 */
export async function sendTestEvent({
  webhook: { id, ownerId, url, sealedSecrets },
  requests,
  secrets: box,
  post,
  clock,
  signal,
  late = AbortSignal.timeout(TEST_MS_MAX),
}: {
  webhook: TestedWebhook;
  requests: Pick<RequestLanes, "run">;
  secrets: Pick<SecretBox, "open">;
  post: OutboundPost;
  clock: Clock;
  signal: AbortSignal;
  late?: AbortSignal;
}): Promise<WebhookTest> {
  const secrets = openSecrets(box, id, sealedSecrets);
  if (!secrets) return toFailed(SECRET_UNREADABLE);
  const body = JSON.stringify({ type: "TEST", timestamp: clock.now().toISOString(), webhook: id });
  const place = { eventId: `test-${randomUUID()}`, endpointId: "", recordId: null, epoch: "", seq: 0 };
  const sending = { ...place, type: "TEST" as const, body, attempts: 0, ageMs: 0 };
  const limited = AbortSignal.any([signal, late]);
  let isSent = false;
  try {
    const { outcome } = await requests.run(
      [ownerId, id],
      () => {
        isSent = true;
        return deliver(sending, { post, clock, url, secrets, retryFirstMs: 0, signal: limited });
      },
      limited,
    );
    const { state, status, error, excerpt, durationMs } = outcome;
    return { delivered: state === "delivered", status, error, excerpt, durationMs };
  } catch (error) {
    if (!late.aborted || signal.aborted) throw error;
    const seconds = `${TEST_MS_MAX / 1000} s`;
    if (isSent)
      return toFailed(
        `The receiver had not responded when the ${seconds} for a test were over. A part of them was spent waiting for other receivers of this account that respond slowly. Try again later.`,
      );
    const detail = `The test event was not sent within ${seconds}, because other receivers of this account respond slowly. Pause their webhooks, or try again later.`;
    throw new AppError("server_busy", { detail, retryAfterSeconds: BUSY_SECONDS, cause: error });
  }
}

function toFailed(error: string): WebhookTest {
  return { delivered: false, status: null, error, excerpt: null, durationMs: null };
}

/** Undefined: they cannot be opened. */
function openSecrets(box: Pick<SecretBox, "open">, id: string, sealed: readonly Uint8Array[]): readonly string[] | undefined {
  try {
    return sealed.map((each) => box.open(toSecretPurpose(id), each));
  } catch (error) {
    if (error instanceof SealedError) return undefined;
    throw error;
  }
}
