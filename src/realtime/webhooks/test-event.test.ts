/** Tests what a test event says when its time is over (H8), with a real receiver. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { createSecretBox } from "@/src/core/secrets/secret-box";
import { toSecretPurpose } from "@/src/core/webhooks/signature";
import { createAddressPolicy } from "@/src/outbound/address-policy";
import { createPostJson } from "@/src/outbound/post-json";
import { startReceiver, type WebhookReceiver } from "@/tests/support/webhooks/webhook-receiver";
import { createRequestLanes } from "./request-lanes";
import { sendTestEvent } from "./test-event";

const secrets = createSecretBox({ secret: "the secret of a test" });
const { signal } = new AbortController();
let receiver: WebhookReceiver;
let outbound: ReturnType<typeof createPostJson>;
let requests: ReturnType<typeof createRequestLanes>;

beforeEach(async () => {
  receiver = await startReceiver();
  outbound = createPostJson({ policy: createAddressPolicy(["127.0.0.1"]), allowsHttp: true, timeoutMs: 60_000 });
  requests = createRequestLanes({ slowMs: 60_000 });
});
afterEach(async () => {
  outbound.close();
  await receiver.close();
});

function test(options: { signal?: AbortSignal; late?: AbortSignal } = {}) {
  const sealedSecrets = [secrets.seal(toSecretPurpose("hook"), "whsec_dGVzdA==")];
  const webhook = { id: "hook", ownerId: "owner", url: receiver.url, sealedSecrets };
  return sendTestEvent({ webhook, requests, secrets, post: outbound.post, clock: { now: () => new Date() }, signal, ...options });
}

it("[H8] a receiver that has not responded in the time of the test is a failed test, not a busy server", async () => {
  receiver.respond(() => undefined);
  const late = new AbortController();
  const tested = test({ late: late.signal });
  await receiver.take(1);
  late.abort();
  expect(await tested).toEqual({
    ...{ delivered: false, status: null, excerpt: null, durationMs: null },
    error: expect.stringMatching(/^The receiver had not responded when the 30 s for a test were over\. .*Try again later\.$/),
  });
});

it("[H8] a test that waits for other receivers of the account was not sent, and says what to do", async () => {
  const ended = new AbortController();
  const hang = new Promise<void>((resolve) => ended.signal.addEventListener("abort", () => resolve()));
  const others = Array.from({ length: 16 }, () => requests.run(["owner", "other"], () => hang, new AbortController().signal));
  const late = new AbortController();
  const waiting = test({ late: late.signal });
  late.abort();
  await expect(waiting).rejects.toMatchObject({
    code: "server_busy",
    message:
      "The test event was not sent within 30 s, because other receivers of this account respond slowly. Pause their webhooks, or try again later.",
  });
  expect(receiver.received).toEqual([]);
  ended.abort();
  await Promise.all(others);
});

it("[H8] a test whose request was ended by its client ends with the reason", async () => {
  receiver.respond(() => undefined);
  const client = new AbortController();
  const tested = test({ signal: client.signal });
  await receiver.take(1);
  client.abort(new Error("the client is gone"));
  await expect(tested).rejects.toThrow("the client is gone");
});
