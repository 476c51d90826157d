/** The ranges and limits of the numbers over time (G31) and the request log (G32). Separate from the schemas, so that pages need not load those. */

/** The ranges that can be read: how many steps, and how long each is. */
export const TRAFFIC_RANGES = {
  hour: { steps: 60, stepSeconds: 60 },
  day: { steps: 96, stepSeconds: 900 },
  month: { steps: 120, stepSeconds: 21_600 },
} as const;
export type TrafficRange = keyof typeof TRAFFIC_RANGES;
export const TRAFFIC_RANGE_NAMES = ["hour", "day", "month"] as const satisfies readonly TrafficRange[];

export const REQUESTS_LIMIT_MAX = 200;
/** How many errors the overview shows. */
export const RECENT_ERRORS = 5;
/** A recording ends by itself after this time. */
export const RECORDING_MINUTES = 5;
export const REQUEST_OUTCOMES = ["ok", "error"] as const;
