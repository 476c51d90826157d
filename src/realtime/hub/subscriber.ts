/** The bounded queue between a session and its transport (W7). It must not know what the frames say, nor which transport it is. */
import type { AppError } from "@/src/shared/errors";
import type { WriteBatcher } from "../transports/write-batcher";

/** The transport of one client. No method may throw. */
export interface Sink {
  /** Hands bytes over at once, without waiting. Does nothing once the transport has ended. */
  write(bytes: Buffer): void;
  /** Bytes handed over that the operating system has not taken yet. */
  unsentBytes(): number;
  /** Rises when the operating system takes bytes; only differences mean anything. */
  takenBytes(): number;
  /** Settles when everything handed over has been taken, or the transport has ended. */
  writable(): Promise<void>;
  /** Ends the transport with the error's close code and message; what was written before still goes out first. */
  end(error: AppError): void;
  /** Ends the transport now, and drops what was not sent. */
  cutOff(): void;
}

export interface Subscriber {
  /**
   * Queues a frame for the end of the tick. False: it does not fit, since the client reads too slowly, or the client has ended; then nothing was queued.
   * A frame always fits when nothing else waits, so that the largest record can be sent whatever the limit.
   */
  enqueue(frame: Buffer): boolean;
  /** Queues a frame whatever waits: for the few and small ones without which a stream can't go on. */
  enqueueAlways(frame: Buffer): void;
  /** True when a sender that can wait, such as a replay, should await `writable` before it enqueues `frame`: half of the queue is for live changes. */
  isCrowdedBy(frame: Buffer): boolean;
  /** True when a sender that can wait should await `writable` before it prepares another page of `pageBytes`. */
  isBusy(): boolean;
  /** How many bytes a sender that can wait should prepare at a time. */
  readonly pageBytes: number;
  /** Hands what is queued to the transport in one write. */
  flush(): void;
  /** Flushes, then settles when the transport has handed on everything, or has ended. */
  writable(): Promise<void>;
  /** Bytes that wait, here and in the transport. */
  backlogBytes(): number;
  /** See {@link Sink}. */
  takenBytes(): number;
  /** Drops what is queued, and not yet handed to the transport. */
  discard(): void;
  /** Ends the transport after what is queued. Later frames are dropped. */
  end(error: AppError): void;
  /** Ends the transport now, and drops all that waits. */
  cutOff(): void;
}

/** From this size on frames don't wait for the end of the tick: the operating system's buffers are there to be used. */
const EARLY_FLUSH_BYTES = 65_536;

export interface SubscriberOptions {
  sink: Sink;
  batcher: WriteBatcher;
  queueBytesMax: number;
  /** Called when a frame is queued for a client that has not taken what it was sent before. */
  onPiling: (bytes: number) => void;
}

/** `queueBytesMax` counts what is queued and what the transport could not yet hand on. */
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
    const { sink, queueBytesMax, onPiling } = this.#options;
    const unsentBytes = sink.unsentBytes();
    const backlogBytes = this.#queuedBytes + unsentBytes;
    if (backlogBytes > 0 && backlogBytes + frame.byteLength > queueBytesMax) return false;
    this.#push(frame);
    if (unsentBytes > 0) onPiling(frame.byteLength);
    return true;
  }

  enqueueAlways(frame: Buffer): void {
    if (!this.#ended) this.#push(frame);
  }

  #push(frame: Buffer): void {
    const { queueBytesMax, batcher } = this.#options;
    this.#queue ??= [];
    this.#queue.push(frame);
    this.#queuedBytes += frame.byteLength;
    if (this.#queuedBytes >= Math.min(EARLY_FLUSH_BYTES, queueBytesMax / 2)) this.flush();
    else if (this.#queue.length === 1) batcher.schedule(this);
  }

  isCrowdedBy(frame: Buffer): boolean {
    const backlogBytes = this.backlogBytes();
    return backlogBytes > 0 && backlogBytes + frame.byteLength > this.#options.queueBytesMax / 2;
  }

  isBusy(): boolean {
    return this.backlogBytes() > this.pageBytes;
  }

  get pageBytes(): number {
    return this.#options.queueBytesMax / 4;
  }

  flush(): void {
    const frames = this.#queue;
    if (frames === undefined) return;
    this.#clear();
    this.#options.sink.write(this.#options.batcher.join(frames));
  }

  writable(): Promise<void> {
    this.flush();
    return this.#options.sink.writable();
  }

  backlogBytes(): number {
    return this.#queuedBytes + this.#options.sink.unsentBytes();
  }

  takenBytes(): number {
    return this.#options.sink.takenBytes();
  }

  discard(): void {
    this.#clear();
  }

  end(error: AppError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.flush();
    this.#options.sink.end(error);
  }

  cutOff(): void {
    this.#ended = true;
    this.#clear();
    this.#options.sink.cutOff();
  }

  #clear(): void {
    this.#queue = undefined;
    this.#queuedBytes = 0;
  }
}
