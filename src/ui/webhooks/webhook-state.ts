/** Describes the states of webhooks and deliveries for people. Pure. */
import type { DeliveryView, WebhookView } from "@/src/shared/management/webhooks";

export interface ShownState {
  label: string;
  tone: "live" | "warn" | "danger" | "plain";
  /** Says what it means, if that is not obvious. */
  detail?: string;
}

const PAUSED: Readonly<Record<string, string>> = {
  owner: "Paused by you. It resumes where it stopped.",
  gone: "The receiver responded with 410 Gone.",
};

export function toWebhookState(webhook: WebhookView): ShownState {
  const { state, pausedReason, pausedDetail, blocked, parked, lastError } = webhook;
  if (state === "paused") {
    const detail = pausedDetail ?? PAUSED[pausedReason ?? ""] ?? "";
    return { label: "Paused", tone: pausedReason === "owner" ? "plain" : "danger", detail };
  }
  if (blocked)
    return { label: "Waiting", tone: "warn", detail: "Too many deliveries fail. It reads no further changes until one of them succeeds." };
  if (parked > 0) return { label: "Retrying", tone: "warn", detail: lastError ?? "Some deliveries are tried again." };
  return { label: "Active", tone: "live" };
}

const DELIVERIES: Readonly<Record<DeliveryView["state"], ShownState>> = {
  delivered: { label: "Delivered", tone: "live" },
  retrying: { label: "Retrying", tone: "warn" },
  waiting: { label: "Waiting", tone: "plain", detail: "An earlier change of the same record is not delivered yet." },
  failed: { label: "Failed", tone: "danger", detail: "Given up after 24 hours." },
};

export function toDeliveryState({ state }: Pick<DeliveryView, "state">): ShownState {
  return DELIVERIES[state];
}

/** `example.com`, as the name of a webhook. */
export function toHostName(url: string): string {
  return new URL(url).host;
}

/** `All endpoints`, or their names. */
export function toEndpointsText({ endpoints }: Pick<WebhookView, "endpoints">): string {
  return endpoints === null ? "All endpoints" : endpoints.join(", ") || "No endpoint";
}
