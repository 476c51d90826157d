/** A client that follows a stream in resumable mode, through every loss of its connection, and keeps what it heard. It must not judge. */
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { parseCursor } from "@/src/shared/streams/cursor";
import type { ChangeType } from "@/src/shared/streams/protocol";

/** A change as one or several subscribers of an endpoint heard it. */
export interface HeardChange {
  seq: number;
  type: ChangeType;
  recordId: string;
  /** Data as JSON. */
  data: string;
  /** The Attempt's, where data has one. */
  attemptId: string | undefined;
}

export interface Filter {
  expression: string;
  isTrue: (recordId: string) => boolean;
}

/** What was heard of one endpoint, by the text of the message: nearly all subscribers hear the same. */
export type Heard = Map<string, HeardChange>;

export interface SubscriberOptions {
  /** Of the endpoint's stream at each node, `ws://…`. */
  urls: readonly string[];
  /** The node to begin with. Who roams tries another one each time its connection is lost. */
  node: number;
  roams: boolean;
  headers: Record<string, string>;
  /** The user whose own records it may read; null: everybody's. */
  owner: string | null;
  /** A JSONata expression (W13), and what it says of a record. */
  filter?: Filter | undefined;
  endpointId: string;
  heard: Heard;
  /** Awaited before each reconnection, beside a pause that grows. */
  beforeReconnect?: () => Promise<void>;
}

const HANDSHAKE_TIMEOUT_MS = 15_000;
const PAUSE_MAX_MS = 2_000;
/** The server pings every 25 s: who hears nothing for so long is connected to nobody. */
const SILENCE_MAX_MS = 40_000;

export class CheckingSubscriber {
  readonly options: SubscriberOptions;
  /** What came, in the order in which it came, over all connections. */
  readonly changes: HeardChange[] = [];
  readonly gaps: string[] = [];
  /** Close codes, one for each connection that was lost. */
  readonly closes: number[] = [];
  /** Where its first READY said that the stream begins. */
  startSeq: number | undefined;
  #cursor = "now";
  #webSocket: WebSocket | undefined;
  #stopped = false;
  #following: Promise<void> | undefined;

  constructor(options: SubscriberOptions) {
    this.options = options;
  }

  /** `startSeq` says when it is connected for the first time. */
  start(): void {
    this.#following = this.#follow();
  }

  /** The place up to which it was sent everything. */
  seq(): number {
    return parseCursor(this.#cursor)?.seq ?? 0;
  }

  isConnected(): boolean {
    return this.#webSocket?.readyState === WebSocket.OPEN;
  }

  /** Does not read any more, as a client that hangs. */
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

  /** Settles when the connection has gone: whether it had been a stream at all. */
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
      this.#hear(message.toString());
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

  #hear(text: string): void {
    const known = this.options.heard.get(text);
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
    this.options.heard.set(text, change);
    this.#keep(change, cursor);
  }

  #keep(change: HeardChange, cursor: string): void {
    this.changes.push(change);
    this.#cursor = cursor;
  }
}

/** The last member of a message of the resumable mode. */
function toCursor(text: string): string {
  return text.slice(text.lastIndexOf(':"') + 2, -2);
}

/** Writers put it into the data, uploads into the metadata. */
export function toAttemptId(data: unknown): string | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  if ("id" in data && typeof data.id === "string") return data.id;
  return "metadata" in data ? toAttemptId(data.metadata) : undefined;
}
