/** The numbers of a project over time (G31) and its request log (G32): their schemas. */
import * as z from "zod/mini";
import { TRAFFIC_RANGE_NAMES } from "../traffic-limits";

const sums = {
  requests: z.number(),
  /** Requests that were refused or failed. */
  errors: z.number(),
  writes: z.number(),
  /** Changes sent to streams. */
  deliveries: z.number(),
  /** The most streams that were open at once. */
  streams: z.number(),
  bytesIn: z.number(),
  bytesOut: z.number(),
  /** In milliseconds; null without requests. */
  p50: z.nullable(z.number()),
  p99: z.nullable(z.number()),
};
const part = { requests: z.number(), errors: z.number(), writes: z.number(), deliveries: z.number() };

/** GET projects/{id}/traffic. Times are ISO 8601 in UTC. */
export const trafficSchema = z.object({
  range: z.enum(TRAFFIC_RANGE_NAMES),
  from: z.string(),
  to: z.string(),
  stepSeconds: z.number(),
  /** One for each step, the oldest first. The last one is not over yet. */
  points: z.array(z.object({ at: z.string(), ...sums })),
  totals: z.object(sums),
  /** Whether a stream of the project was open within a month. */
  hasStreamed: z.boolean(),
  /** Whether a request with a key wrote a record within a month. */
  hasWritten: z.boolean(),
  /** `status`: that of responses with the code. */
  codes: z.array(z.object({ code: z.string(), status: z.number(), count: z.number() })),
  /** `id` and `name` are null for endpoints that are counted together; `name` is null for deleted ones. `series`: requests by step. */
  endpoints: z.array(z.object({ id: z.nullable(z.string()), name: z.nullable(z.string()), ...part, series: z.array(z.number()) })),
  /** All keys of the project, used or not, and the requests without one (`id` null). */
  keys: z.array(
    z.object({
      id: z.nullable(z.string()),
      name: z.nullable(z.string()),
      ...part,
      lastUsedAt: z.nullable(z.string()),
      lastOrigin: z.nullable(z.string()),
      lastAddress: z.nullable(z.string()),
    }),
  ),
});
export type ProjectTraffic = z.infer<typeof trafficSchema>;

/** GET projects/traffic: the last hour of each project. */
export const projectRatesSchema = z.object({
  projectId: z.string(),
  requests: z.number(),
  errors: z.number(),
  deliveries: z.number(),
  streams: z.number(),
  /** Requests by minute, the oldest first. */
  series: z.array(z.number()),
  /** When the last hour with requests began, within a month. Null: there was none. */
  lastActiveAt: z.nullable(z.string()),
});
export type ProjectRates = z.infer<typeof projectRatesSchema>;

export const loggedRequestSchema = z.object({
  id: z.number(),
  at: z.string(),
  requestId: z.string(),
  method: z.string(),
  path: z.string(),
  endpointId: z.string(),
  /** Null: the endpoint was deleted. */
  endpoint: z.nullable(z.string()),
  keyId: z.nullable(z.string()),
  /** Null: there was no key, or it was deleted. */
  key: z.nullable(z.string()),
  status: z.number(),
  code: z.nullable(z.string()),
  detail: z.nullable(z.string()),
  durationMs: z.number(),
  bytesIn: z.number(),
  bytesOut: z.number(),
  origin: z.nullable(z.string()),
  /** Without its last part. */
  address: z.string(),
  seqs: z.array(z.number()),
});
export type RequestView = z.infer<typeof loggedRequestSchema>;

/** GET projects/{id}/requests. `recordedUntil`: all requests are logged until then; null: only errors are. */
export const requestLogSchema = z.object({
  requests: z.array(loggedRequestSchema),
  more: z.boolean(),
  recordedUntil: z.nullable(z.string()),
});
export type RequestLogView = z.infer<typeof requestLogSchema>;

/** POST projects/{id}/requests/recording. */
export const recordingSchema = z.object({ recordedUntil: z.string() });
