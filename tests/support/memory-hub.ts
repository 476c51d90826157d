/** A hub over a log in memory, with a clock and hints that the test holds. */
import type { Grant } from "@/src/core/access";
import type { Change } from "@/src/core/ports";
import { createProcessHints } from "@/src/realtime/hints";
import { createHub, type Hub, type HubOptions } from "@/src/realtime/hub";
import type { Start } from "@/src/realtime/session";
import { createMemoryLog, type MemoryLog } from "./memory-log";

export const EPOCH = "0".repeat(32);
export const PROJECT_ID = "019a0000-0000-7000-8000-00000000000a";

export interface MemoryHub {
  hub: Hub;
  log: MemoryLog;
  hints: ReturnType<typeof createProcessHints>;
  publish(changes: readonly Change[]): void;
  setNow(date: Date): void;
  /** The projects that the hub has watched, once for each stream. */
  watched: string[];
}

/** `pause`: see {@link createMemoryLog}. Access is granted for ever unless `access` says otherwise. */
export function createMemoryHub(options: Partial<HubOptions> & { pause?: () => Promise<void> } = {}): MemoryHub {
  const { pause, ...hubOptions } = options;
  const log = createMemoryLog({ epoch: EPOCH, ...(pause ? { pause } : {}) });
  const hints = createProcessHints();
  let now = new Date("2026-01-01T00:00:00Z");
  const watched: string[] = [];
  const watch = ({ id }: { id: string }) => {
    watched.push(id);
    return () => {
      watched.splice(watched.indexOf(id), 1);
    };
  };
  const hub = createHub({
    changes: log,
    hints,
    access: { recheck: async () => undefined },
    definitions: { watch },
    clock: { now: () => now },
    log: { debug: () => undefined },
    queueBytesMax: 1_048_576,
    ...hubOptions,
  });
  const setNow = (date: Date) => {
    now = date;
  };
  return { hub, log, hints, publish: (changes) => hints.publish({ kind: "changes", changes }), setNow, watched };
}

export function toGrant(log: Pick<MemoryLog, "endpointId">, grant: Partial<Grant> = {}): Grant {
  return {
    endpoint: { id: log.endpointId, name: "test/endpoint" },
    projectId: PROJECT_ID,
    keyId: "key",
    keyExpiresAt: null,
    master: false,
    user: null,
    onlyOwner: undefined,
    via: "key",
    evidence: { key: "key", masterKeyHash: null, revision: 1 },
    ...grant,
  };
}

/** Resumes after `seq`. */
export function toStart(seq: number, epoch = EPOCH): Start {
  return { mode: "after", cursor: { epoch, seq } };
}
