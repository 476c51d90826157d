/** A transport in memory: keeps what is written, and sends as much as the test allows. */
import type { Sink } from "@/src/realtime/hub/subscriber";
import type { AppError } from "@/src/shared/errors";
import { readTexts } from "../clients/read-frames";

export interface MemorySink extends Sink {
  /** The messages written so far. */
  messages(): StreamMessage[];
  /** The number of writes so far. */
  writes(): number;
  endedBy(): AppError | undefined;
  isCutOff(): boolean;
  /** Stops sending: bytes written from now on stay in the queue. */
  stall(): void;
  /** Sends everything, and settles `writable`. */
  drain(): void;
  /** Sends a number of bytes, and settles `writable` if they were the last. */
  take(bytes: number): void;
}

/** The members of a stream's message that tests read. */
export interface StreamMessage {
  type: string;
  record?: { uniqueId: string; data: unknown; createdAt: string; updatedAt: string };
  cursor?: string;
  from?: string;
  to?: string;
  reason?: string;
}

export function createMemorySink(): MemorySink {
  const chunks: Buffer[] = [];
  let endedBy: AppError | undefined;
  let isStalled = false;
  let isCutOff = false;
  let unsentBytes = 0;
  let takenBytes = 0;
  let waiting: (() => void)[] = [];
  const take = (bytes: number) => {
    const taken = Math.min(bytes, unsentBytes);
    unsentBytes -= taken;
    takenBytes += taken;
    if (unsentBytes > 0) return;
    const settled = waiting;
    waiting = [];
    for (const resolve of settled) resolve();
  };
  return {
    write: (bytes) => {
      if (endedBy) return;
      chunks.push(bytes);
      if (isStalled) unsentBytes += bytes.byteLength;
      else takenBytes += bytes.byteLength;
    },
    unsentBytes: () => unsentBytes,
    takenBytes: () => takenBytes,
    writable: async () => {
      if (unsentBytes > 0 && !endedBy) await new Promise<void>((resolve) => waiting.push(resolve));
    },
    cutOff: () => {
      isCutOff = true;
      take(unsentBytes);
    },
    isCutOff: () => isCutOff,
    end: (error) => {
      endedBy = error;
      for (const resolve of waiting) resolve();
    },
    messages: () => readTexts(Buffer.concat(chunks)).map((text): StreamMessage => JSON.parse(text)),
    writes: () => chunks.length,
    endedBy: () => endedBy,
    stall: () => {
      isStalled = true;
    },
    drain: () => take(unsentBytes),
    take,
  };
}
