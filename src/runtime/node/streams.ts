/** The part of a node that delivers changes: the hub with its transports, the cluster bus, and the registry of open streams. */
import { randomUUID } from "node:crypto";
import type { Traffic } from "@/src/core/traffic/traffic";
import { createClusterBus } from "@/src/realtime/cluster/cluster-bus";
import { createRedisLink } from "@/src/realtime/cluster/redis-link";
import { createHub } from "@/src/realtime/hub/hub";
import { createStreamLimits } from "@/src/realtime/hub/stream-limits";
import { createStreamRegistry } from "@/src/realtime/hub/stream-registry";
import { createEventStreams } from "@/src/realtime/transports/sse";
import { createUpgradeHandler } from "@/src/realtime/transports/ws";
import type { createSandbox } from "@/src/sandbox/sandbox";
import type { NodeOptions } from "../compose";
import type { AccessParts } from "./access";
import type { StorageParts } from "./data-plane";
import type { Stores } from "./stores";

type Options = Pick<NodeOptions, "config" | "notifications" | "cluster" | "siblings" | "secret" | "clock" | "log" | "cleanup"> &
  Pick<AccessParts, "access" | "rateLimitPolicy" | "definitions" | "tokens" | "signIns" | "userData"> &
  Pick<StorageParts, "quotas"> & {
    traffic: Traffic;
    stores: Stores;
    sandbox: ReturnType<typeof createSandbox>;
  };

/** Clients have this long to close their streams at a shutdown. */
const STREAM_GRACE_MS = 2_000;

/** Starts the heartbeats; `closeStreams` ends them. Adds to `cleanup` what must be closed. */
export function composeStreams(options: Options) {
  const { stores, access, rateLimitPolicy, definitions, tokens, signIns, userData, quotas, sandbox, config, notifications } = options;
  const { cluster, siblings, secret, clock, log, cleanup } = options;
  const { changes, snapshots } = stores;
  const exchange = siblings?.counts;
  const { queueBytesMax } = config;
  const queuesBytesMax = Math.floor(config.queuesBytesMax / config.workers);
  const limits = createStreamLimits(config.streams, { exchange: config.workers > 1 ? exchange : undefined });
  const sources = { changes, snapshots, notifications, access, definitions, tokens, signIns };
  const hub = createHub({
    ...sources,
    limits,
    // The cache may not have noticed yet what the log shows.
    onDependencyChange: (notification) => userData.notify(notification),
    secret,
    sandbox,
    traffic: options.traffic,
    clock,
    log,
    queueBytesMax,
    queuesBytesMax,
    openStreams: exchange?.gauge("streams by endpoint"),
  });
  const webSockets = createUpgradeHandler({ hub, rateLimitPolicy, traffic: options.traffic, log, config });
  const eventStreams = createEventStreams({ hub, config });
  const links = [...(siblings ? [siblings.link] : []), ...(cluster ? [createRedisLink({ ...cluster, log })] : [])];
  const serverId = siblings?.serverId ?? randomUUID();
  const bus =
    links.length > 0 ? createClusterBus({ serverId, links, notifications, definitions, tokens, quotas, signIns, log }) : undefined;
  cleanup.add(() => bus?.close());
  definitions.onInvalidate((projectId) => void hub.recheck(projectId));
  tokens.onInvalidate((projectId) => void hub.recheck(projectId));
  signIns.onInvalidate((userId) => void hub.recheckAccount(userId));
  userData.onChange(({ endpointId, userId }) => hub.recheckDependents(endpointId, userId));

  const streamRegistry = createStreamRegistry({ hub, store: stores.openStreams });
  cleanup.add(async () => {
    const noted = await Promise.allSettled([definitions.flushUse(), tokens.flushUse(), streamRegistry.close()]);
    for (const one of noted)
      if (one.status === "rejected")
        log.warn({ err: one.reason }, "the last use of some keys or tokens, or the end of streams, was not saved");
  });
  return {
    changes,
    hub,
    eventStreams,
    streamRegistry,
    upgrade: webSockets.upgrade,
    settle: () => bus?.settle(),
    closeStreams: async (graceMs = STREAM_GRACE_MS) => {
      await Promise.all([webSockets, eventStreams].map((transport) => transport.closeAll({ graceMs })));
    },
  };
}
