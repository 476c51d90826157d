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

export interface SubscriberOptions {
  sink: Sink;
  flusher: Flusher;
  queueBytesMax: number;
  onSlow: (error: AppError) => void;
}

/** `queueBytesMax` counts what is queued and what the transport could not yet hand on. `onSlow` hears when it was exceeded. */
export function createSubscriber(options: SubscriberOptions): Subscriber {
  return new QueueingSubscriber(options);
}

/** A class, because there are tens of thousands: they share their methods. */
class QueueingSubscriber implements Subscriber {
  readonly #options: SubscriberOptions;
  /** Absent while nothing waits, which is most of the time. */
  #queue: Buffer[] | undefined;
  #queuedBytes = 0;
  #ended = false;

  constructor(options: SubscriberOptions) {
    this.#options = options;
  }

  enqueue(frame: Buffer): boolean {
    if (this.#ended) return false;
    const { queueBytesMax, flusher, onSlow } = this.#options;
    const backlogBytes = this.backlogBytes();
    if (backlogBytes > 0 && backlogBytes + frame.byteLength > queueBytesMax) {
      // The client would have to read all of it first; it gets what is on its way, and the reason.
      this.#clear();
      onSlow(new AppError("slow_consumer"));
      return false;
    }
    this.#queue ??= [];
    this.#queue.push(frame);
    this.#queuedBytes += frame.byteLength;
    if (this.#queuedBytes >= Math.min(EARLY_FLUSH_BYTES, queueBytesMax / 2)) this.flush();
    else if (this.#queue.length === 1) flusher.schedule(this);
    return true;
  }

  isCrowdedBy(frame: Buffer): boolean {
    return this.backlogBytes() + frame.byteLength > this.#options.queueBytesMax / 2;
  }

  flush(): void {
    const frames = this.#queue;
    if (frames === undefined) return;
    this.#clear();
    this.#options.sink.write(this.#options.flusher.join(frames));
  }

  writable(): Promise<void> {
    this.flush();
    return this.#options.sink.writable();
  }

  backlogBytes(): number {
    return this.#queuedBytes + this.#options.sink.unsentBytes();
  }

  end(error: AppError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.flush();
    this.#options.sink.end(error);
  }

  #clear(): void {
    this.#queue = undefined;
    this.#queuedBytes = 0;
  }
}
