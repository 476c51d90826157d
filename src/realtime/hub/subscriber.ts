/** The bounded queue between a session and its transport (W7). */
import type { AppError } from "@/src/shared/errors";
import type { Lane, WriteBatcher } from "../transports/write-batcher";

/** The transport of one client. Its methods must not throw. */
export interface Sink {
  /** Passes bytes to the transport without waiting. Does nothing once the transport has ended. */
  write(bytes: Buffer): void;
  /** Written bytes that the operating system has not taken yet. */
  unsentBytes(): number;
  /** A counter that rises when the operating system takes bytes. Only differences are meaningful. */
  takenBytes(): number;
  /** Settles when all written bytes have been taken, or the transport has ended. */
  writable(): Promise<void>;
  /** Sends what was written before, then ends the transport with the error's close code and message. */
  end(error: AppError): void;
  /** Ends the transport at once, and drops unsent bytes. */
  cutOff(): void;
}

export interface Subscriber {
  /**
   * Queues a frame. It is sent at the end of this turn of the event loop or, if there is much to send, in one of the next ones. Returns false, and queues
   * nothing, if the frame does not fit because the client reads too slowly, or if the client has ended. A frame always fits into an empty queue, so that
   * the largest record can be sent whatever the limit. `changes`: how many of the log's changes it has; default 0.
   */
  enqueue(frame: Buffer, changes?: number): boolean;
  /** Queues a frame even if the queue is full. For the few small frames without which a stream cannot continue. */
  enqueueAlways(frame: Buffer): void;
  /** Whether a sender that can wait, such as a replay, should await `writable` before it enqueues `frame`. Half of the queue is reserved for live changes. */
  isCrowdedBy(frame: Buffer): boolean;
  /** Whether a sender that can wait should await `writable` before it prepares another page of `pageBytes`. */
  isBusy(): boolean;
  /** The number of bytes that a sender that can wait should prepare at a time. */
  readonly pageBytes: number;
  /** Passes the queued frames to the transport in one write. */
  flush(): void;
  /** Flushes, then settles when the operating system has taken everything, or the transport has ended. */
  writable(): Promise<void>;
  /** The bytes that wait here and in the transport. */
  backlogBytes(): number;
  /** The same, but 0 while the client has taken all that it was sent: frames that only wait for their turn are not the client's. */
  pilingBytes(): number;
  /** See {@link Sink}. */
  takenBytes(): number;
  /** Drops the frames that have not been passed to the transport. */
  discard(): void;
  /** Sends the queued frames, then ends the transport. Later frames are dropped. */
  end(error: AppError): void;
  /** Ends the transport at once, and drops all waiting bytes. */
  cutOff(): void;
}

/** From this size on, frames do not wait for their turn, so that the operating system's buffers are used. */
const EARLY_FLUSH_BYTES = 262_144;

export interface SubscriberOptions {
  sink: Sink;
  batcher: WriteBatcher;
  /** The place of its writes among those of others. */
  lane: Lane;
  queueBytesMax: number;
  /** The changes and bytes that are sent to the client are added to it. */
  counts: { deliveries: number; bytesOut: number };
  /** Called when a frame is queued for a client that has unsent bytes. */
  onPiling: (bytes: number) => void;
}

/** `queueBytesMax` limits the queued bytes and the transport's unsent bytes together. */
export function createSubscriber(options: SubscriberOptions): Subscriber {
  return new QueueingSubscriber(options);
}

/** A class, so that tens of thousands of subscribers share their methods. */
class QueueingSubscriber implements Subscriber {
  readonly #options: SubscriberOptions;
  /** Undefined while nothing waits, which is most of the time. */
  #queue: Buffer[] | undefined;
  #queuedBytes = 0;
  #ended = false;

  constructor(options: SubscriberOptions) {
    this.#options = options;
  }

  enqueue(frame: Buffer, changes = 0): boolean {
    if (this.#ended) return false;
    const { sink, queueBytesMax, onPiling, counts } = this.#options;
    const room = queueBytesMax - frame.byteLength;
    let unsentBytes = sink.unsentBytes();
    const backlogBytes = this.#queuedBytes + unsentBytes;
    if (backlogBytes > room && backlogBytes > 0) {
      // Frames that wait for their turn do not show that the client is slow: the transport may have room for them.
      this.flush();
      unsentBytes = sink.unsentBytes();
      if (unsentBytes > room && unsentBytes > 0) return false;
    }
    this.#push(frame);
    counts.deliveries += changes;
    if (unsentBytes > 0) onPiling(frame.byteLength);
    return true;
  }

  enqueueAlways(frame: Buffer): void {
    if (!this.#ended) this.#push(frame);
  }

  #push(frame: Buffer): void {
    const { queueBytesMax, batcher, lane, counts } = this.#options;
    this.#queue ??= [];
    this.#queue.push(frame);
    this.#queuedBytes += frame.byteLength;
    counts.bytesOut += frame.byteLength;
    if (this.#queuedBytes >= Math.min(EARLY_FLUSH_BYTES, queueBytesMax / 2)) this.flush();
    else if (this.#queue.length === 1) batcher.schedule(this, lane);
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

  pilingBytes(): number {
    const unsentBytes = this.#options.sink.unsentBytes();
    return unsentBytes === 0 ? 0 : this.#queuedBytes + unsentBytes;
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
