/** The part of a node that counts and logs requests, and stores both. */
import { createRequestLog } from "@/src/core/traffic/request-log";
import { createTraffic } from "@/src/core/traffic/traffic";
import { createTrafficCounters } from "@/src/core/traffic/traffic-counters";
import type { NodeOptions } from "../compose";
import type { Stores } from "./stores";

export type TrafficParts = ReturnType<typeof composeTraffic>;

/** Adds to `cleanup` what stores the last counts. Call it before the parts that count are composed, because `cleanup` runs in reverse order. */
export function composeTraffic({ stores, clock, log, cleanup }: Pick<NodeOptions, "clock" | "log" | "cleanup"> & { stores: Stores }) {
  const counters = createTrafficCounters({ store: stores.traffic, clock });
  const requestLog = createRequestLog({ store: stores.requestLog, clock });
  cleanup.add(async () => {
    const stored = await Promise.allSettled([counters.flush(), requestLog.sync()]);
    for (const one of stored) if (one.status === "rejected") log.warn({ err: one.reason }, "the last counts of requests were not saved");
  });
  return {
    traffic: createTraffic({ counters, log: requestLog, clock }),
    trafficJobs: {
      flush: () => counters.flush(),
      syncRequests: () => requestLog.sync(),
      sweep: async () => {
        const now = clock.now().getTime();
        await stores.requestLog.sweep(now);
        await stores.traffic.sweep(now);
      },
    },
  };
}
