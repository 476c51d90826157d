/** A transport in memory: keeps what was written, and takes as much as the test lets it. */
import type { Sink } from "@/src/realtime/hub/subscriber";
import type { AppError } from "@/src/shared/errors";
import { readTexts } from "../clients/read-frames";

export interface MemorySink extends Sink {
  /** What was written so far, message by message. */
  messages(): StreamMessage[];
  /** How many writes there were. */
  writes(): number;
  endedBy(): AppError | undefined;
  isCutOff(): boolean;
  /** From now on written bytes stay unsent. */
  stall(): void;
  /** Everything is sent, and `writable` settles. */
  drain(): void;
  /** So many bytes are sent; `writable` settles when they were the last. */
  take(bytes: number): void;
}

/** A message of the stream, as far as tests look at it. */
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
