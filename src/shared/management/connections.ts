/** Open streams, and the delivery of changes, in the management API: the bodies of responses. */
import * as z from "zod/mini";

const id = z.string();
const time = z.iso.datetime({ offset: true });
const count = z.number().check(z.gte(0));

/** An open stream on any server, as of about a second ago. */
export const connectionSchema = z.object({
  id,
  endpointId: id,
  /** The endpoint's name. */
  endpoint: z.string(),
  transport: z.enum(["ws", "sse"]),
  /** Opened by the dashboard itself, without a key. */
  dashboard: z.boolean(),
  keyId: z.nullable(id),
  /** The key's name. */
  key: z.nullable(z.string()),
  origin: z.nullable(z.string()),
  /** The name of the logged-in user of the application. */
  user: z.nullable(z.string()),
  /** The JSONata expression of the stream's filter (W13). */
  filter: z.nullable(z.string()),
  openedAt: time,
  /** The stream can resume from a cursor when it reconnects (W9, W12). */
  resumable: z.boolean(),
  state: z.enum(["live", "replaying"]),
  /** How many changes of the log are still to be replayed. */
  lag: count,
  /** How many bytes are queued for the client, with a resolution of about 16 KiB. */
  queueBytes: count,
});
/** Newest first. `total` includes those beyond the limit. */
export const connectionsSchema = z.object({ connections: z.array(connectionSchema), total: count });
export const deliveryVerdict = z.enum(["sent", "waiting", "refused", "filtered", "later"]);
/** Which of the open streams receive a change. `owner`: the name of the user that owns the record. */
export const deliveriesSchema = z.object({
  at: time,
  owner: z.nullable(z.string()),
  streams: z.array(z.extend(connectionSchema, { verdict: deliveryVerdict, reason: z.string() })),
  total: count,
});
