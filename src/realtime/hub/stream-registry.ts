/** Keeps what all servers know of this one's open streams up to date, and ends those that somebody asked to be ended. It must not be on a write's way. */
import { randomUUID } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { ListedStream, OpenStreamStore } from "@/src/core/streams/ports";
import { AppError } from "@/src/shared/errors";
import type { Connection } from "./connection";
import type { Hub } from "./hub";

export interface StreamRegistry {
  /**
   * Stores what has changed since the last call. Call it each second; a call without open streams costs nothing, and one with many gives the event loop a
   * turn after each 1,000. Rejects when the database is away: the next call goes on. One call at a time.
   */
  sync(): Promise<void>;
  /** Forgets this server's streams. */
  close(): Promise<void>;
}

/** Queues come and go; what is less than this apart is the same. */
const QUEUE_STEP_BYTES = 16_384;
/** The server's own row is renewed with every so many calls. */
const SEE_EVERY = 4;
/** Streams that are looked at in one turn of the event loop, and written in one statement. */
const SLICE_STREAMS = 1_000;

/** What was last written of a stream, as far as it can change. */
interface Written {
  replayedTo: number | null;
  queueBytes: number;
  /** The call that last saw it open. */
  seenIn: number;
}

export function createStreamRegistry({ hub, store }: { hub: Pick<Hub, "connections" | "end">; store: OpenStreamStore }): StreamRegistry {
  const nodeId = randomUUID();
  /** By id. */
  let written = new Map<string, Written>();
  let calls = 0;

  async function see(): Promise<void> {
    const isDue = calls % SEE_EVERY === 0;
    calls += 1;
    if (!isDue) return;
    const { isNew } = await store.heartbeat(nodeId);
    // Another server thought that this one had gone, or PostgreSQL crashed.
    if (isNew) written = new Map();
  }

  /** Writes what is new or has moved in the slice. Until that is stored the slice counts as not written. */
  async function writeSlice(slice: readonly ListedStream[]): Promise<void> {
    const added = slice.filter(({ id }) => !written.has(id));
    const moved = slice.filter((stream) => hasMoved(stream, written.get(stream.id)));
    if (added.length + moved.length > 0) await store.write(nodeId, { added, moved, removed: [] });
    for (const { id, replayedTo, queueBytes } of slice) written.set(id, { replayedTo, queueBytes, seenIn: calls });
  }

  async function writeOpen(): Promise<void> {
    let slice: ListedStream[] = [];
    for (const connection of hub.connections()) {
      slice.push(toListed(connection));
      if (slice.length < SLICE_STREAMS) continue;
      await writeSlice(slice);
      slice = [];
      await nextTurn();
    }
    await writeSlice(slice);
  }

  async function removeClosed(): Promise<void> {
    const removed = [...written].filter(([, { seenIn }]) => seenIn !== calls).map(([id]) => id);
    for (let start = 0; start < removed.length; start += SLICE_STREAMS) {
      const ids = removed.slice(start, start + SLICE_STREAMS);
      await store.write(nodeId, { added: [], moved: [], removed: ids });
      for (const id of ids) written.delete(id);
    }
  }

  return {
    async sync() {
      if (written.size === 0 && isEmpty(hub.connections())) {
        calls = 0;
        return;
      }
      await see();
      await writeOpen();
      await removeClosed();
      for (const id of await store.findEndRequested(nodeId)) hub.end(id, new AppError("disconnected"));
    },
    async close() {
      written = new Map();
      await store.remove(nodeId);
    },
  };
}

function isEmpty(values: Iterable<unknown>): boolean {
  for (const _ of values) return false;
  return true;
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

function hasMoved(stream: ListedStream, before: Written | undefined): boolean {
  return before !== undefined && (stream.replayedTo !== before.replayedTo || stream.queueBytes !== before.queueBytes);
}
