/** Keeps what all servers know of this one's open streams up to date, and ends those that somebody asked to be ended. It must not be on a write's way. */
import { randomUUID } from "node:crypto";
import type { ListedStream, OpenStreamStore } from "@/src/core/stream-ports";
import { AppError } from "@/src/shared/errors";
import type { Connection } from "./connection";
import type { Hub } from "./hub";

export interface StreamKeeper {
  /** Tells what has changed since the last call. Call it each second; a call without open streams costs nothing. Rejects when the database is away: the next one goes on. */
  sync(): Promise<void>;
  /** Forgets this server's streams. */
  close(): Promise<void>;
}

/** Queues come and go; what is less than this apart is the same. */
const QUEUE_STEP_BYTES = 16_384;
/** The server's own row is renewed with every so many calls. */
const SEE_EVERY = 4;

export function createStreamKeeper({ hub, store }: { hub: Pick<Hub, "connections" | "end">; store: OpenStreamStore }): StreamKeeper {
  const nodeId = randomUUID();
  /** What was written, by id. */
  let written = new Map<string, ListedStream>();
  let calls = 0;

  async function see(): Promise<void> {
    const isDue = calls % SEE_EVERY === 0;
    calls += 1;
    if (!isDue) return;
    const { isNew } = await store.see(nodeId);
    // Another server thought that this one had gone, or PostgreSQL crashed.
    if (isNew) written = new Map();
  }

  return {
    async sync() {
      const streams = new Map(hub.connections().map((connection) => [connection.id, toListed(connection)]));
      if (streams.size === 0 && written.size === 0) {
        calls = 0;
        return;
      }
      await see();
      const added = [...streams.values()].filter(({ id }) => !written.has(id));
      const moved = [...streams.values()].filter((stream) => hasMoved(stream, written.get(stream.id)));
      const removed = [...written.keys()].filter((id) => !streams.has(id));
      await store.write(nodeId, { added, moved, removed });
      written = streams;
      for (const id of await store.findAsked(nodeId)) hub.end(id, new AppError("disconnected"));
    },
    async close() {
      written = new Map();
      await store.forget(nodeId);
    },
  };
}

function toListed({
  id,
  transport,
  endpointId,
  keyId,
  userId,
  onlyOwner,
  filter,
  origin,
  openedAt,
  openedSeq,
  resumable,
  replayedTo,
  backlogBytes,
}: Connection): ListedStream {
  return {
    id,
    transport,
    endpointId,
    keyId,
    userId,
    onlyOwner: onlyOwner ?? null,
    filter: filter ?? null,
    origin: origin ?? null,
    openedAt,
    openedSeq,
    resumable,
    replayedTo: replayedTo ?? null,
    queueBytes: Math.round(backlogBytes / QUEUE_STEP_BYTES) * QUEUE_STEP_BYTES,
  };
}

function hasMoved(stream: ListedStream, before: ListedStream | undefined): boolean {
  return before !== undefined && (stream.replayedTo !== before.replayedTo || stream.queueBytes !== before.queueBytes);
}
