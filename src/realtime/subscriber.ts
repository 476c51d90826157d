/** The bounded queue between a session and its transport (W7). It must not know what the frames say, nor which transport it is. */
import { AppError } from "@/src/shared/errors";
import type { Flusher } from "./flusher";

/** The transport of one client. No method may throw. */
export interface Sink {
  /** Hands bytes over at once, without waiting. Does nothing once the transport has ended. */
  write(bytes: Buffer): void;
  /** Bytes handed over that the operating system has not taken yet. */
  unsentBytes(): number;
  /** Settles when the transport takes more without piling up, or has ended. */
  writable(): Promise<void>;
  /** Ends the transport with the error's close code and message; what was written before still goes out first. */
  end(error: AppError): void;
}

export interface Subscriber {
  /**
   * Queues a frame for the end of the tick. False: the client reads too slowly, and was ended with `slow_consumer`.
   * A frame always fits when nothing else waits, so that the largest record can be sent whatever the limit.
   */
  enqueue(frame: Buffer): boolean;
  /** True when a sender that can wait, such as a replay, should await `writable` before it enqueues `frame`: half of the queue is for live changes. */
  isCrowdedBy(frame: Buffer): boolean;
  /** Hands what is queued to the transport in one write. */
  flush(): void;
  /** Flushes, then settles when the transport takes more or has ended. */
  writable(): Promise<void>;
  /** Bytes that wait, here and in the transport. */
  backlogBytes(): number;
  /** Ends the transport after what is queued. Later frames are dropped. */
  end(error: AppError): void;
}

/** From this size on frames don't wait for the end of the tick: the operating system's buffers are there to be used. */
const EARLY_FLUSH_BYTES = 65_536;

/** `queueBytesMax` counts what is queued and what the transport could not yet hand on. `onSlow` hears when it was exceeded. */
export function createSubscriber({
  sink,
  flusher,
  queueBytesMax,
  onSlow,
}: {
  sink: Sink;
  flusher: Flusher;
  queueBytesMax: number;
  onSlow: (error: AppError) => void;
}): Subscriber {
  const earlyFlushBytes = Math.min(EARLY_FLUSH_BYTES, queueBytesMax / 2);
  let queue: Buffer[] = [];
  let queuedBytes = 0;
  let ended = false;

  const subscriber: Subscriber = {
    enqueue: (frame) => {
      if (ended) return false;
      const backlogBytes = subscriber.backlogBytes();
      if (backlogBytes > 0 && backlogBytes + frame.byteLength > queueBytesMax) {
        // The client would have to read all of it first; it gets what is on its way, and the reason.
        queue = [];
        queuedBytes = 0;
        onSlow(new AppError("slow_consumer"));
        return false;
      }
      queue.push(frame);
      queuedBytes += frame.byteLength;
      if (queuedBytes >= earlyFlushBytes) subscriber.flush();
      else if (queue.length === 1) flusher.schedule(subscriber);
      return true;
    },
    isCrowdedBy: (frame) => subscriber.backlogBytes() + frame.byteLength > queueBytesMax / 2,
    flush: () => {
      if (queue.length === 0) return;
      const frames = queue;
      queue = [];
      queuedBytes = 0;
      sink.write(flusher.join(frames));
    },
    writable: () => {
      subscriber.flush();
      return sink.writable();
    },
    backlogBytes: () => queuedBytes + sink.unsentBytes(),
    end: (error) => {
      if (ended) return;
      ended = true;
      subscriber.flush();
      sink.end(error);
    },
  };
  return subscriber;
}
