/** A hub over a log in memory, with a clock and notifications that the test controls. */
import type { Grant } from "@/src/core/access/access";
import type { Change } from "@/src/core/records/ports";
import { TrafficEntry } from "@/src/core/traffic/traffic-counters";
import { createProcessNotifications } from "@/src/realtime/cluster/notifications";
import { createHub, type Hub, type HubOptions } from "@/src/realtime/hub/hub";
import type { Start } from "@/src/realtime/hub/session";
import { createMemoryLog, type MemoryLog, proofAt } from "./memory-log";

export const EPOCH = "0".repeat(32);
export const PROJECT_ID = "019a0000-0000-7000-8000-00000000000a";

export interface MemoryHub {
  hub: Hub;
  log: MemoryLog;
  notifications: ReturnType<typeof createProcessNotifications>;
  publish(changes: readonly Change[]): void;
  setNow(date: Date): void;
  /** The projects that the hub has watched, once for each stream. */
  watched: string[];
  /** The same for those with streams that depend on tokens. */
  tokenWatched: string[];
  /** Invalidates tokens without a notification. */
  raiseTokenGeneration(): void;
}

/** `pause`: see {@link createMemoryLog}. `memoryLog`: the log of another hub, as two nodes share one. Access is granted permanently unless `access` decides otherwise. */
export function createMemoryHub(options: Partial<HubOptions> & { pause?: () => Promise<void>; memoryLog?: MemoryLog } = {}): MemoryHub {
  const { pause, memoryLog, ...hubOptions } = options;
  const log = memoryLog ?? createMemoryLog({ epoch: EPOCH, ...(pause ? { pause } : {}) });
  const notifications = createProcessNotifications();
  let now = new Date("2026-01-01T00:00:00Z");
  let tokenGeneration = 0;
  const [watched, tokenWatched]: [string[], string[]] = [[], []];
  const watch = (list: string[], id: string) => {
    list.push(id);
    return () => {
      list.splice(list.indexOf(id), 1);
    };
  };
  const hub = createHub({
    changes: { positions: log.positions, read: log.read, readFor: log.readFor, findChanged: log.findChanged },
    snapshots: { readPage: async () => undefined },
    notifications,
    access: { recheck: async () => undefined },
    definitions: { watch: ({ id }) => watch(watched, id) },
    tokens: { watch: (id) => watch(tokenWatched, id), generation: () => tokenGeneration },
    signIns: { watch: () => () => undefined },
    secret: "the secret of this test",
    sandbox: { filter: () => Promise.reject(new Error("This test has no sandbox.")) },
    traffic: { entryOf: () => new TrafficEntry(PROJECT_ID, log.endpointId, null) },
    limits: { take: () => () => undefined },
    clock: { now: () => now },
    log: { debug: () => undefined },
    queueBytesMax: 1_048_576,
    queuesBytesMax: 1_073_741_824,
    ...hubOptions,
  });
  const setNow = (date: Date) => {
    now = date;
  };
  const publish = (changes: readonly Change[]) => notifications.publish({ kind: "changes", changes });
  const raiseTokenGeneration = () => {
    tokenGeneration++;
  };
  return { hub, log, notifications, publish, setNow, watched, tokenWatched, raiseTokenGeneration };
}

export function toGrant(log: Pick<MemoryLog, "endpointId">, grant: Partial<Grant> = {}): Grant {
  return {
    endpoint: { id: log.endpointId, name: "test/endpoint" },
    projectId: PROJECT_ID,
    ownerId: "owner-id",
    keyId: "key",
    keyExpiresAt: null,
    master: false,
    user: null,
    onlyOwner: undefined,
    via: "key",
    evidence: { key: "key", masterKeyHash: null, revision: 1, tokenGeneration: 0, needsListedOrigin: false },
    ...grant,
  };
}

/** A user's view: only its own records. */
export function toPrivateGrant(log: Pick<MemoryLog, "endpointId">, owner: string): Grant {
  return toGrant(log, { user: { id: owner, tokenId: `token of ${owner}`, tokenExpiresAt: new Date("2027-01-01") }, onlyOwner: owner });
}

/** Resumes after `seq`. */
export function toStart(seq: number, epoch = EPOCH): Start {
  return { mode: "after", cursor: { epoch, seq, proof: proofAt(seq) } };
}
