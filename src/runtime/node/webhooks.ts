/** The part of a node that delivers webhooks. In a server of several processes it works in the process with the dashboard. */
import { createSecretBox } from "@/src/core/secrets/secret-box";
import { createAddressPolicy } from "@/src/outbound/address-policy";
import { createPostJson } from "@/src/outbound/post-json";
import { findUrlProblem } from "@/src/outbound/url-problem";
import { createWebhooks } from "@/src/realtime/webhooks/webhooks";
import type { createSandbox } from "@/src/sandbox/sandbox";
import type { NodeOptions } from "../compose";
import type { Stores } from "./stores";

type Options = Pick<NodeOptions, "config" | "notifications" | "secret" | "clock" | "log" | "cleanup"> & {
  stores: Stores;
  sandbox: ReturnType<typeof createSandbox>;
};

/** Starts nothing: the periodic jobs do. Adds to `cleanup` what must be closed. */
export function composeWebhooks({ stores, sandbox, config, notifications, secret, clock, log, cleanup }: Options) {
  const secrets = createSecretBox({ secret });
  const { allowsHttp, timeoutMs, retryFirstMs, leaseMs, slowMs } = config.webhooks;
  const policy = createAddressPolicy(config.outboundAllowed);
  const { post, close } = createPostJson({ policy, allowsHttp, timeoutMs });
  cleanup.add(close);
  const { webhooks: store, changes } = stores;
  const times = { retryFirstMs, leaseMs, slowMs };
  const webhooks = createWebhooks({ store, changes, notifications, sandbox, secrets, post, ...times, clock, log });
  cleanup.add(() => webhooks.stop());
  return { webhooks, secrets, findUrlProblem: (url: string) => findUrlProblem(url, { policy, allowsHttp }) };
}
