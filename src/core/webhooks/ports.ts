/** Interfaces of webhooks (H): what is stored of them, and the request that delivers a change. Adapters are in db and outbound. */
import type { ChangeType } from "@/src/shared/streams/protocol";

/** A response to a request that delivers a change. */
export interface OutboundReply {
  status: number;
  /** The beginning of the body, at most 500 characters. */
  excerpt: string;
  /** The header `Retry-After`, as sent. */
  retryAfter: string | undefined;
}

/** Sends a POST with a JSON body. Throws {@link OutboundError} without a response, and the signal's reason. */
export type OutboundPost = (request: {
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string;
  signal: AbortSignal;
}) => Promise<OutboundReply>;

export const PAUSE_REASONS = ["owner", "gone", "filter_failed", "secret_unreadable"] as const;
/**
 * Why a webhook is paused. `owner`: by request. `gone`: the receiver responded with 410. `filter_failed`: its filter failed on a change.
 * `secret_unreadable`: the server's secret was replaced, so the webhook's secret cannot be decrypted.
 */
export type PauseReason = (typeof PAUSE_REASONS)[number];

/** The detail of `secret_unreadable`. */
export const SECRET_UNREADABLE = "The secret cannot be decrypted, because the server's secret was replaced. Rotate the webhook's secret.";

/** The type of an event: a change, the notice that changes cannot be read, or a test, which is never stored. */
export type EventType = ChangeType | "GAP" | "TEST";

/** `waiting`: an earlier change of the same record is not delivered yet. `failed`: given up after 24 hours. */
export type DeliveryState = "delivered" | "retrying" | "waiting" | "failed";

/** An active webhook, as its owner has set it. */
export interface ActiveWebhook {
  id: string;
  projectId: string;
  ownerId: string;
  url: string;
  operations: readonly ChangeType[];
  /** A JSONata expression. Null: every change. */
  filter: string | null;
  /** The secrets that sign, as the secret box has sealed them. The current one comes first. */
  sealedSecrets: readonly Uint8Array[];
  /** Increases with every change by the owner. */
  revision: number;
  /** Nothing is sent for now, because the receiver asked for it or a resource is busy. */
  isHeld: boolean;
}

/** A webhook that sends a test event. */
export type TestedWebhook = Pick<ActiveWebhook, "id" | "ownerId" | "url" | "sealedSecrets">;

/** How a receiver responded to a test event (H8). */
export interface WebhookTest {
  delivered: boolean;
  /** Null: there was no response. */
  status: number | null;
  error: string | null;
  excerpt: string | null;
  durationMs: number | null;
}

/** Sends a test event with the limits of all requests. Throws `server_busy` and the signal's reason. */
export type SendTestEvent = (webhook: TestedWebhook, signal: AbortSignal) => Promise<WebhookTest>;

/** A place in a log. */
export interface LogMark {
  /** 32 hex digits. */
  epoch: string;
  seq: number;
  proof: string | undefined;
}

/** A log with changes that the webhook has not read. */
export interface UnreadLog {
  endpointId: string;
  endpointName: string;
  /** Up to where it has read. Undefined: the endpoint was created after the webhook. */
  position: LogMark | undefined;
}

/** A change that is not delivered yet although the log was read past it. */
export interface ParkedDelivery {
  eventId: string;
  endpointId: string;
  /** Null: a GAP. */
  recordId: string | null;
  seq: number;
  state: "retrying" | "waiting";
  /** The next try is due. False while it waits. */
  isDue: boolean;
  /** The GAP of a deleted endpoint. Nothing follows it. */
  isOfDeleted: boolean;
  bytes: number;
}

/** Everything that a webhook has to do. */
export interface WebhookWork {
  webhook: ActiveWebhook;
  /** The logs that it has read least recently, first. */
  unread: UnreadLog[];
  /** Ascending by seq. */
  parked: ParkedDelivery[];
}

/** The event of a parked delivery. */
export interface ParkedBody {
  eventId: string;
  epoch: string;
  type: EventType;
  attempts: number;
  /** Since the first try. */
  ageMs: number;
  body: string;
}

/** The result of a try, or of the decision to wait. */
export interface DeliveryOutcome {
  eventId: string;
  endpointId: string;
  recordId: string | null;
  epoch: string;
  seq: number;
  type: EventType;
  state: DeliveryState;
  /** 0: there was no try. */
  attempts: 0 | 1;
  /** The status of the response. Null: there was none. */
  status: number | null;
  error: string | null;
  excerpt: string | null;
  durationMs: number | null;
  /** The time until the next try. Null: none is due. */
  retryMs: number | null;
  /** Null: as stored, or no longer needed. */
  body: string | null;
}

/** The results of a round of a webhook. All of them are stored, or none. */
export interface WebhookRound {
  outcomes: readonly DeliveryOutcome[];
  /** The log was read from one place to another. */
  move?: { endpointId: string; from: LogMark | undefined; to: LogMark } | undefined;
  /** Parked deliveries whose turn it is now, because the one before them is done. */
  promoted: readonly string[];
  /** Parked deliveries that have to wait, because an earlier one of the same record is not done. */
  demoted: readonly string[];
  /** The webhook reads no log until a parked delivery is done. */
  isBlocked: boolean;
  /** Nothing is sent for this time. */
  holdMs?: number | undefined;
}

/** How many webhooks may be leased: of accounts that are not slow, and of those that are, each in total and of one account. */
export interface ClaimRoom {
  limit: number;
  perOwner: number;
  slowLimit: number;
  perSlowOwner: number;
  slowOwners: readonly string[];
  /** Their webhooks are left out. */
  busyOwners: readonly string[];
}

/** Stores webhooks. Only the node that holds a webhook's lease delivers it. */
export interface WebhookStore {
  /** Leases active webhooks that have something to do and that no node holds, as many as there is room for, those that waited longest first. */
  claim(options: ClaimRoom & { nodeId: string; leaseMs: number }): Promise<{ id: string; ownerId: string }[]>;
  /** Extends the leases of this node, and returns the webhooks that it still holds. */
  renew(nodeId: string, webhookIds: readonly string[], leaseMs: number): Promise<string[]>;
  /** Ends leases of this node. */
  release(nodeId: string, webhookIds: readonly string[]): Promise<void>;
  /** Undefined if the webhook is not active, or the node does not hold it. */
  load(nodeId: string, webhookId: string): Promise<WebhookWork | undefined>;
  /** The bodies of parked deliveries, in no order. */
  readBodies(webhookId: string, eventIds: readonly string[]): Promise<ParkedBody[]>;
  /** Returns the webhook's revision. Undefined if the node does not hold the webhook any more: then nothing was stored. */
  save(nodeId: string, webhookId: string, round: WebhookRound): Promise<number | undefined>;
  /** Pauses a webhook that this node holds. */
  pause(nodeId: string, webhookId: string, reason: PauseReason, detail: string): Promise<void>;
  /** The endpoints of active webhooks. */
  findWatched(): Promise<string[]>;
  /** Deletes finished deliveries that are too old or too many. */
  sweep(): Promise<void>;
}
