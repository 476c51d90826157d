/** The bodies of the management API for webhooks (H). */
import * as z from "zod/mini";
import { CHANGE_TYPES, JSONATA_BYTES_MAX } from "../streams/protocol";

export const WEBHOOKS_PER_PROJECT_MAX = 20;
export const WEBHOOKS_PER_ACCOUNT_MAX = 100;
export const DELIVERIES_LIMIT_MAX = 200;
const URL_LENGTH_MAX = 2_048;
const ENDPOINTS_MAX = 100;
const GRACE_SECONDS_MAX = 2_592_000;
/** Ports below this, except those of HTTP, belong to other protocols. */
const PORT_MIN = 1_024;

export const DELIVERY_STATES = ["delivered", "retrying", "waiting", "failed"] as const;

const time = z.iso.datetime({ offset: true });
const count = z.number().check(z.gte(0));

const url = z.string("Use a string.").check(
  z.trim(),
  z.maxLength(URL_LENGTH_MAX, `Use ${URL_LENGTH_MAX} characters at most.`),
  z.check<string>((context) => {
    const message = findProblem(context.value);
    if (message !== undefined) context.issues.push({ code: "custom", message, input: context.value });
  }),
);

function findProblem(text: string): string | undefined {
  if (!URL.canParse(text)) return "Enter an address, like https://example.com/hooks.";
  const { protocol, username, password, port, hash, hostname } = new URL(text);
  if (!/^https?:$/.test(protocol) || hostname === "") return "Enter an address, like https://example.com/hooks.";
  if (username !== "" || password !== "") return "Remove the user name and the password from the address.";
  if (hash !== "") return "Remove the part from # on.";
  if (port !== "" && Number(port) < PORT_MIN && port !== "80" && port !== "443") return "Use port 80 or 443, or one from 1024 on.";
  return undefined;
}

const endpoints = z.nullable(
  z
    .array(z.string("Use the names of endpoints."), "Use null for all endpoints, or a list of names.")
    .check(
      z.minLength(1, "Use null for all endpoints, or list at least one."),
      z.maxLength(ENDPOINTS_MAX, `List at most ${ENDPOINTS_MAX}.`),
    ),
);
const operations = z
  .array(z.enum(CHANGE_TYPES, `Use some of: ${CHANGE_TYPES.join(", ")}.`), `Use a list of: ${CHANGE_TYPES.join(", ")}.`)
  .check(
    z.minLength(1, "List at least one operation."),
    z.maxLength(CHANGE_TYPES.length, "List each operation once."),
    z.refine((listed) => new Set(listed).size === listed.length, { error: "List each operation once." }),
  );
/** A JSONata expression (W13). */
const filter = z.nullable(
  z
    .string("Use a JSONata expression, or null for none.")
    .check(z.minLength(1, "Use null for no filter."), z.maxLength(JSONATA_BYTES_MAX, `Use ${JSONATA_BYTES_MAX} characters at most.`)),
);
const from = z
  .string("Use now, a cursor, or a time.")
  .check(z.minLength(1, "Use now, a cursor, or a time."), z.maxLength(100, "This is too long."));

/** POST projects/{id}/webhooks. */
export const webhookCreateSchema = z.strictObject({
  url,
  /** Names. Null or absent: all endpoints, later ones included. */
  endpoints: z.optional(endpoints),
  /** Default: all. */
  operations: z.optional(operations),
  filter: z.optional(filter),
  /** Where to begin: `now` (default), the cursor of one endpoint, or a time. */
  from: z.optional(from),
});
/** PATCH webhooks/{id}. Absent fields keep their values. */
export const webhookPatchSchema = z.partial(z.omit(webhookCreateSchema, { from: true }));
/** POST webhooks/{id}/replay. */
export const webhookReplaySchema = z.strictObject({ from });
/** POST webhooks/{id}/rotate-secret. */
export const webhookRotateSchema = z.strictObject({
  /** How long deliveries are signed with the previous secret too. */
  graceSeconds: z
    .int("Use a whole number of seconds.")
    .check(z.gte(0, "Use 0 or more seconds."), z.lte(GRACE_SECONDS_MAX, `Use ${GRACE_SECONDS_MAX} seconds at most.`)),
});

export const webhookSchema = z.object({
  id: z.string(),
  projectId: z.string(),
  /** A management token of scope `read` gets only its origin. */
  url: z.string(),
  endpoints: z.nullable(z.array(z.string())),
  operations: z.array(z.enum(CHANGE_TYPES)),
  filter: z.nullable(z.string()),
  state: z.enum(["active", "paused"]),
  /** `owner`, `gone` (the receiver responded with 410), `filter_failed` or `secret_unreadable`. Null: it is active. */
  pausedReason: z.nullable(z.string()),
  pausedDetail: z.nullable(z.string()),
  /** Until when deliveries are signed with the previous secret too. */
  previousSecretUntil: z.nullable(time),
  /** The number of changes that are not read yet. */
  lag: count,
  /** The number of deliveries that are tried again, or wait behind one of the same record. */
  parked: count,
  /** It reads no further changes until a parked delivery is done. */
  blocked: z.boolean(),
  lastTriedAt: z.nullable(time),
  lastStatus: z.nullable(z.number()),
  lastError: z.nullable(z.string()),
  lastDeliveredAt: z.nullable(time),
  createdAt: time,
  /** The account that created it. Null: it was deleted, or an earlier release has created the webhook. */
  createdBy: z.nullable(z.object({ id: z.string(), name: z.string() })),
  updatedAt: time,
});
/** POST projects/{id}/webhooks, and webhooks/{id}/rotate-secret: the only responses with the secret. */
export const webhookSecretSchema = z.extend(webhookSchema, { secret: z.string() });
export const deliverySchema = z.object({
  id: z.string(),
  /** The header `webhook-id`. */
  eventId: z.string(),
  endpointId: z.string(),
  endpoint: z.string(),
  type: z.enum([...CHANGE_TYPES, "GAP"]),
  /** The record. Null for a GAP. */
  uniqueId: z.nullable(z.string()),
  seq: count,
  state: z.enum(DELIVERY_STATES),
  /** The number of tries. */
  attempts: count,
  /** Of the last response. Null: there was none. */
  status: z.nullable(z.number()),
  error: z.nullable(z.string()),
  /** The beginning of the last response. */
  excerpt: z.nullable(z.string()),
  durationMs: z.nullable(z.number()),
  firstAt: time,
  lastAt: time,
  nextAt: z.nullable(time),
});
/** Newest first. `next`: the next page has `before` = this; null: this is the last page. */
export const webhookDeliveriesSchema = z.object({ deliveries: z.array(deliverySchema), next: z.nullable(z.string()) });

/** POST webhooks/{id}/test: how the receiver responded to the test event. `error`: why it is not delivered. */
export const webhookTestedSchema = z.object({
  delivered: z.boolean(),
  /** Null: there was no response. */
  status: z.nullable(z.number()),
  error: z.nullable(z.string()),
  /** The beginning of the response. */
  excerpt: z.nullable(z.string()),
  durationMs: z.nullable(z.number()),
});

export type WebhookTested = z.infer<typeof webhookTestedSchema>;
export type WebhookCreate = z.infer<typeof webhookCreateSchema>;
export type WebhookPatch = z.infer<typeof webhookPatchSchema>;
export type WebhookView = z.infer<typeof webhookSchema>;
export type WebhookWithSecret = z.infer<typeof webhookSecretSchema>;
export type DeliveryView = z.infer<typeof deliverySchema>;
export type WebhookDeliveries = z.infer<typeof webhookDeliveriesSchema>;
