/** Stores this server's open streams, so that every server can list them, and ends the streams whose end was requested. */
import { randomUUID } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { ListedStream, OpenStreamStore } from "@/src/core/streams/ports";
import { AppError } from "@/src/shared/errors";
import type { Connection } from "./connection";
import type { Hub } from "./hub";

export interface StreamRegistry {
  /**
   * Stores what has changed since the last call. Call it each second, one call at a time. Without open streams it does nothing; with many, the event loop gets
   * a turn after each 1,000. Rejects if the database is unavailable; the next call continues.
   */
  sync(): Promise<void>;
  /** Removes this server's streams from the store. */
  close(): Promise<void>;
}

/** Sizes of queues are rounded to this step, so that small changes are not written. */
const QUEUE_STEP_BYTES = 16_384;
/** The server's heartbeat is written once in this number of calls. */
const HEARTBEAT_EVERY = 4;
/** The number of streams that are processed in one turn of the event loop, and written in one statement. */
const SLICE_STREAMS = 1_000;

/** The last written values of the columns that can change. */
interface Written {
  replayedTo: number | null;
  queueBytes: number;
  /** The number of the call that last found the stream open. */
  seenIn: number;
}

export function createStreamRegistry({ hub, store }: { hub: Pick<Hub, "connections" | "end">; store: OpenStreamStore }): StreamRegistry {
  const nodeId = randomUUID();
  /** By stream id. */
  let written = new Map<string, Written>();
  let calls = 0;

  async function writeHeartbeat(): Promise<void> {
    const isDue = calls % HEARTBEAT_EVERY === 0;
    calls += 1;
    if (!isDue) return;
    const { isNew } = await store.heartbeat(nodeId);
    // Another server considered this one dead and removed its rows, or PostgreSQL crashed.
    if (isNew) written = new Map();
  }

  /** Writes the streams of the slice that are new or have moved. If that fails, the next call writes them again. */
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
      await writeHeartbeat();
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
  isJudged,
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
    isJudged,
    replayedTo: replayedTo ?? null,
    queueBytes: Math.round(backlogBytes / QUEUE_STEP_BYTES) * QUEUE_STEP_BYTES,
  };
}

function hasMoved(stream: ListedStream, before: Written | undefined): boolean {
  return before !== undefined && (stream.replayedTo !== before.replayedTo || stream.queueBytes !== before.queueBytes);
}
