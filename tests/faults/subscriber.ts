/** A client that follows a stream in resumable mode across lost connections, and keeps the changes it received. */
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { parseCursor } from "@/src/shared/streams/cursor";
import type { ChangeType } from "@/src/shared/streams/protocol";

/** A change as subscribers of an endpoint received it. */
export interface ReceivedChange {
  seq: number;
  type: ChangeType;
  recordId: string;
  /** The data as JSON. */
  data: string;
  /** The id of the Attempt, if the data has one. */
  attemptId: string | undefined;
}

export interface Filter {
  expression: string;
  isTrue: (recordId: string) => boolean;
}

/** The changes received at one endpoint by the text of their messages, which are the same for nearly all subscribers. */
export type Received = Map<string, ReceivedChange>;

export interface SubscriberOptions {
  /** The URLs of the endpoint's stream at each node, `ws://…`. */
  urls: readonly string[];
  /** The first node. A subscriber that roams tries another node each time its connection is lost. */
  node: number;
  roams: boolean;
  headers: Record<string, string>;
  /** The user whose records it may read; null: all records. */
  owner: string | null;
  /** A JSONata expression (W13), and its result for a record. */
  filter?: Filter | undefined;
  endpointId: string;
  received: Received;
  /** Awaited before each reconnection, in addition to a growing pause. */
  beforeReconnect?: () => Promise<void>;
}

const HANDSHAKE_TIMEOUT_MS = 15_000;
const PAUSE_MAX_MS = 2_000;
/** The server pings every 25 s. A client that receives nothing for this time has lost its connection. */
const SILENCE_MAX_MS = 40_000;

export class CheckingSubscriber {
  readonly options: SubscriberOptions;
  /** The changes of all connections, in the order of their arrival. */
  readonly changes: ReceivedChange[] = [];
  readonly gaps: string[] = [];
  /** The close code of each lost connection. */
  readonly closes: number[] = [];
  /** The start of the stream, from its first READY. */
  startSeq: number | undefined;
  #cursor = "now";
  #webSocket: WebSocket | undefined;
  #stopped = false;
  #following: Promise<void> | undefined;

  constructor(options: SubscriberOptions) {
    this.options = options;
  }

  /** Sets `startSeq` when it is connected for the first time. */
  start(): void {
    this.#following = this.#follow();
  }

  /** The seq up to which it has been sent everything. */
  seq(): number {
    return parseCursor(this.#cursor)?.seq ?? 0;
  }

  isConnected(): boolean {
    return this.#webSocket?.readyState === WebSocket.OPEN;
  }

  /** Stops reading, as a client that hangs. */
  stall(): void {
    this.#webSocket?.pause();
  }

  readOn(): void {
    this.#webSocket?.resume();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#webSocket?.terminate();
    await this.#following;
  }

  async #follow(): Promise<void> {
    let { node } = this.options;
    for (let failures = 0; !this.#stopped; failures++) {
      const wasReady = await this.#connect(this.options.urls[node % this.options.urls.length] ?? "");
      if (this.#stopped) return;
      if (wasReady) failures = 0;
      if (this.options.roams) node++;
      await this.options.beforeReconnect?.();
      await delay(Math.random() * Math.min(2 ** failures * 20, PAUSE_MAX_MS));
    }
  }

  /** Settles when the connection has ended, with whether it had become a stream. */
  #connect(url: string): Promise<boolean> {
    const { filter } = this.options;
    const query = filter === undefined ? "" : `&jsonata=${encodeURIComponent(filter.expression)}`;
    const webSocket = new WebSocket(`${url}&since=${this.#cursor}${query}`, {
      headers: this.options.headers,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      perMessageDeflate: false,
    });
    this.#webSocket = webSocket;
    let isReady = false;
    const silence = setTimeout(() => webSocket.terminate(), SILENCE_MAX_MS);
    webSocket.on("ping", () => silence.refresh());
    webSocket.on("message", (message) => {
      silence.refresh();
      isReady = true;
      this.#receive(message.toString());
    });
    webSocket.on("error", () => undefined);
    return new Promise((resolve) => {
      webSocket.once("close", (code) => {
        clearTimeout(silence);
        if (isReady) this.closes.push(code);
        resolve(isReady);
      });
    });
  }

  #receive(text: string): void {
    const known = this.options.received.get(text);
    if (known) this.#keep(known, toCursor(text));
    else this.#hearNew(text);
  }

  #hearNew(text: string): void {
    const { type, cursor, record } = JSON.parse(text) as { type: string; cursor: string; record?: { uniqueId: string; data: unknown } };
    if (type === "GAP") this.gaps.push(text);
    if (type === "READY") this.startSeq ??= parseCursor(cursor)?.seq;
    if (record === undefined) {
      this.#cursor = cursor;
      return;
    }
    const seq = parseCursor(cursor)?.seq ?? Number.NaN;
    const change = {
      seq,
      type: type as ChangeType,
      recordId: record.uniqueId,
      data: JSON.stringify(record.data),
      attemptId: toAttemptId(record.data),
    };
    this.options.received.set(text, change);
    this.#keep(change, cursor);
  }

  #keep(change: ReceivedChange, cursor: string): void {
    this.changes.push(change);
    this.#cursor = cursor;
  }
}

/** The last member of a message in resumable mode. */
function toCursor(text: string): string {
  return text.slice(text.lastIndexOf(':"') + 2, -2);
}

/** Writers put the id into the data, uploads into the metadata. */
export function toAttemptId(data: unknown): string | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  if ("id" in data && typeof data.id === "string") return data.id;
  return "metadata" in data ? toAttemptId(data.metadata) : undefined;
}
