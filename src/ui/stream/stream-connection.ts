/** Keeps one stream open (W9): requests a ticket, opens a socket, detects silence, waits and reconnects. */
import { CLOSE } from "@/src/shared/streams/protocol";
import { classifyClose, SILENCE_MAX_MS, toDelayMs } from "./reconnect-policy";

/** Some networks accept a connection and never respond. */
const PREPARE_MS_MAX = 30_000;

/** The close code that browsers report if there was no close frame. */
const NO_CLOSE_FRAME = 1006;

const NOT_OPENED = "Couldn’t open the stream.";

export type ConnectionState =
  | { state: "connecting"; attempt: number }
  | { state: "live" }
  | { state: "waiting"; attempt: number; retryAtMs: number; reason: string }
  /** `isDeleted`: the endpoint no longer exists. */
  | { state: "ended"; reason: string; signIn: boolean; isDeleted?: boolean };

/** The part of WebSocket that the connection uses. */
export interface StreamSocket {
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  close(): void;
}

/** The URL to open, or the reason why there is none. */
export type Opening = { ok: true; url: string } | { ok: false; retry: boolean; reason: string; signIn?: boolean; isDeleted?: boolean };

export interface ConnectionPorts {
  /** Called before every attempt, because a ticket is valid for one. A rejection counts as a failed attempt. */
  prepare: () => Promise<Opening>;
  openSocket: (url: string) => StreamSocket;
  setTimer: (run: () => void, ms: number) => () => void;
  nowMs: () => number;
  /** 0 to 1. */
  random: () => number;
  onState: (state: ConnectionState) => void;
  /** Returns true for READY, the first message of a stream. */
  onMessage: (text: string) => boolean;
}

/** Has at most one socket at a time, from `start` to `stop`. */
export class StreamConnection {
  readonly #ports: ConnectionPorts;
  #state: ConnectionState = { state: "connecting", attempt: 1 };
  #socket: StreamSocket | undefined;
  #cancelTimer: () => void = () => undefined;
  #rejections = 0;
  #lastMessageMs = 0;
  /** Incremented with every attempt and on stop. Results of older attempts are ignored. */
  #attemptId = 0;

  constructor(ports: ConnectionPorts) {
    this.#ports = ports;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Connects or reconnects immediately, in any state. */
  start(): void {
    this.#rejections = 0;
    void this.#attempt(1);
  }

  /** Ends a wait. Does nothing in other states. */
  retryNow(): void {
    if (this.#state.state === "waiting") void this.#attempt(this.#state.attempt);
  }

  /** Closes the socket without a state change. */
  stop(): void {
    this.#attemptId += 1;
    this.#release();
  }

  async #attempt(attempt: number): Promise<void> {
    this.#release();
    this.#attemptId += 1;
    const id = this.#attemptId;
    this.#set({ state: "connecting", attempt });
    this.#setTimer(() => this.#abandon(id, attempt, "The server isn’t responding."), PREPARE_MS_MAX);
    const opening = await this.#ports.prepare().catch((): Opening => ({ ok: false, retry: true, reason: NOT_OPENED }));
    if (id !== this.#attemptId) return;
    if (!opening.ok) {
      this.#cancelTimer();
      if (opening.retry) this.#wait(attempt, opening.reason);
      else {
        const { reason, signIn = false, isDeleted = false } = opening;
        this.#set({ state: "ended", reason, signIn, ...(isDeleted ? { isDeleted } : {}) });
      }
      return;
    }
    const socket = this.#tryOpen(opening.url);
    if (!socket) return this.#abandon(id, attempt, NOT_OPENED);
    this.#socket = socket;
    this.#lastMessageMs = this.#ports.nowMs();
    this.#watchForSilence(id, attempt);
    socket.onmessage = ({ data }) => {
      if (id !== this.#attemptId || typeof data !== "string") return;
      this.#lastMessageMs = this.#ports.nowMs();
      if (!this.#ports.onMessage(data) || this.#state.state === "live") return;
      this.#rejections = 0;
      this.#set({ state: "live" });
    };
    socket.onclose = ({ code, reason }) => {
      if (id === this.#attemptId) this.#onClose({ code, reason, attempt });
    };
  }

  /** Returns undefined if the browser rejects the URL. */
  #tryOpen(url: string): StreamSocket | undefined {
    try {
      return this.#ports.openSocket(url);
    } catch {
      return undefined;
    }
  }

  /** Abandons an attempt, whose results are ignored from then on. */
  #abandon(id: number, attempt: number, reason: string): void {
    if (id !== this.#attemptId) return;
    this.#attemptId += 1;
    this.#wait(attempt, reason);
  }

  #onClose({ code, reason, attempt }: { code: number; reason: string; attempt: number }): void {
    const wasLive = this.#state.state === "live";
    this.#release();
    this.#rejections = code === CLOSE.checkFailed ? this.#rejections + 1 : 0;
    const verdict = classifyClose({ code, reason, rejections: this.#rejections });
    if (verdict.verdict === "end") this.#set({ state: "ended", reason: verdict.reason, signIn: verdict.signIn });
    else this.#wait(wasLive ? 1 : attempt, reason || "The connection was lost.");
  }

  #wait(failures: number, reason: string): void {
    const delayMs = toDelayMs(failures, this.#ports.random());
    this.#set({ state: "waiting", attempt: failures + 1, retryAtMs: this.#ports.nowMs() + delayMs, reason });
    this.#setTimer(() => this.retryNow(), delayMs);
  }

  /** Uses one timer for all messages: when it fires, it checks how long ago the last message arrived. */
  #watchForSilence(id: number, attempt: number, ms = SILENCE_MAX_MS): void {
    this.#setTimer(() => {
      if (id !== this.#attemptId) return;
      const leftMs = this.#lastMessageMs + SILENCE_MAX_MS - this.#ports.nowMs();
      if (leftMs > 0) this.#watchForSilence(id, attempt, leftMs);
      else this.#onClose({ code: NO_CLOSE_FRAME, reason: "The server stopped responding.", attempt });
    }, ms);
  }

  #setTimer(run: () => void, ms: number): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#ports.setTimer(run, ms);
  }

  #release(): void {
    this.#cancelTimer();
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }

  #set(state: ConnectionState): void {
    this.#state = state;
    this.#ports.onState(state);
  }
}
