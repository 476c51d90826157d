/** Reads and drops the rest of refused bodies, so that their senders can read the response (R16). All bodies share one rate. */
import type { IncomingMessage } from "node:http";
import { toClientAddress, toNetwork } from "@/src/core/access/client-network";
import { createByteRate } from "@/src/core/limits/byte-rate";
import { createFairQueue } from "@/src/core/limits/fair-queue";

/**
 * Drops the rest of a request's body and calls `finish` when all of it has arrived. Cuts the connection if the rest is too long or too late, or if too many bodies wait for
 * their turn. A client that reads while it sends has the response by then.
 */
export type Drain = (request: IncomingMessage, finish: () => void) => void;

export interface DrainOptions {
  /** How long the rest of one body may take. Default: 5 s. */
  drainMs?: number;
  /** The most bytes of one body. Most clients stop sending after they have received the response. Default: 8 MiB. */
  bodyBytesMax?: number;
  /** The rate of all bodies together, because reading them costs CPU time. Default: 8 MiB. */
  bytesPerSecond?: number;
}

const MIB = 1024 * 1024;
const INTERVAL_MS = 50;
/** The most bytes that one read of a socket returns. */
const CHUNK_BYTES = 64 * 1024;
const WAITING_MAX = 10_000;

/** A second's bytes may be read at once, so a single body is not delayed. Networks take turns. */
export function createDrain({ drainMs = 5_000, bodyBytesMax = 8 * MIB, bytesPerSecond = 8 * MIB }: DrainOptions = {}): Drain {
  const paused = createFairQueue<IncomingMessage>({ max: WAITING_MAX });
  const rate = createByteRate({ bytesPerSecond });
  let isScheduled = false;

  function resume(): void {
    isScheduled = false;
    for (let left = rate.readLeft(); left > 0; left -= CHUNK_BYTES) {
      const request = paused.take();
      if (!request) return;
      request.resume();
    }
    schedule();
  }

  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    setTimeout(resume, INTERVAL_MS);
  }

  return (request, finish) => {
    const path = [toNetwork(toClientAddress(request))];
    let bytes = 0;
    const cutOff = (): void => {
      request.socket.destroy();
    };
    const deadline = setTimeout(cutOff, drainMs);
    request.on("data", (chunk: Uint8Array) => {
      bytes += chunk.byteLength;
      if (bytes > bodyBytesMax) return cutOff();
      if (rate.take(chunk.byteLength) === 0) return;
      request.pause();
      if (!paused.add(path, request)) return cutOff();
      schedule();
    });
    request.once("end", finish);
    request.once("close", () => {
      clearTimeout(deadline);
      paused.remove(path, request);
    });
    request.on("error", () => undefined);
    request.resume();
  };
}
