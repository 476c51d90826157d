/** Keeps one stream open: ticket, socket, silence, waiting, again (W9). It must not know what becomes of the messages. */
import { CLOSE } from "@/src/shared/streams/protocol";
import { judgeClose, SILENCE_MAX_MS, toDelayMs } from "./reconnect-policy";

/** A network may accept a connection and never answer. */
const PREPARE_MS_MAX = 30_000;

/** What browsers report when there was no close frame. */
const NO_CLOSE_FRAME = 1006;

const NOT_OPENED = "The stream could not be opened.";

export type ConnectionState =
  | { state: "connecting"; attempt: number }
  | { state: "live" }
  | { state: "waiting"; attempt: number; retryAtMs: number; reason: string }
  | { state: "ended"; reason: string; signIn: boolean };

/** What the connection needs of a WebSocket. */
export interface StreamSocket {
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  close(): void;
}

/** Answers a URL to open, or why there is none. */
export type Opening = { ok: true; url: string } | { ok: false; retry: boolean; reason: string; signIn?: boolean };

export interface ConnectionPorts {
  /** Called before every attempt: a ticket is good for one. A rejection counts as a failed attempt. */
  prepare: () => Promise<Opening>;
  openSocket: (url: string) => StreamSocket;
  setTimer: (run: () => void, ms: number) => () => void;
  nowMs: () => number;
  /** 0 to 1. */
  random: () => number;
  onState: (state: ConnectionState) => void;
  /** Answers true for the message with which the stream proper begins (READY). */
  onMessage: (text: string) => boolean;
}

/** One at a time: `start`, then whatever happens, until `stop`. */
export class StreamConnection {
  readonly #ports: ConnectionPorts;
  #state: ConnectionState = { state: "connecting", attempt: 1 };
  #socket: StreamSocket | undefined;
  #cancelTimer: () => void = () => undefined;
  #refusals = 0;
  #heardAtMs = 0;
  /** Rises with every attempt and at the stop: what an older attempt still brings is not ours any more. */
  #turn = 0;

  constructor(ports: ConnectionPorts) {
    this.#ports = ports;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Connects, or connects again at once, whatever the state. */
  start(): void {
    this.#refusals = 0;
    void this.#attempt(1);
  }

  /** Cuts a wait short; nothing in other states. */
  retryNow(): void {
    if (this.#state.state === "waiting") void this.#attempt(this.#state.attempt);
  }

  /** Ends for good without a word. */
  stop(): void {
    this.#turn += 1;
    this.#release();
  }

  async #attempt(attempt: number): Promise<void> {
    this.#release();
    this.#turn += 1;
    const turn = this.#turn;
    this.#set({ state: "connecting", attempt });
    this.#setTimer(() => this.#abandon(turn, attempt, "The server does not answer."), PREPARE_MS_MAX);
    const opening = await this.#ports.prepare().catch((): Opening => ({ ok: false, retry: true, reason: NOT_OPENED }));
    if (turn !== this.#turn) return;
    if (!opening.ok) {
      this.#cancelTimer();
      if (opening.retry) this.#wait(attempt, opening.reason);
      else this.#set({ state: "ended", reason: opening.reason, signIn: opening.signIn ?? false });
      return;
    }
    const socket = this.#tryOpen(opening.url);
    if (!socket) return this.#abandon(turn, attempt, NOT_OPENED);
    this.#socket = socket;
    this.#heardAtMs = this.#ports.nowMs();
    this.#listenForSilence(turn, attempt);
    socket.onmessage = ({ data }) => {
      if (turn !== this.#turn || typeof data !== "string") return;
      this.#heardAtMs = this.#ports.nowMs();
      if (!this.#ports.onMessage(data) || this.#state.state === "live") return;
      this.#refusals = 0;
      this.#set({ state: "live" });
    };
    socket.onclose = ({ code, reason }) => {
      if (turn === this.#turn) this.#onClose({ code, reason, attempt });
    };
  }

  /** Undefined: the browser refuses the address. */
  #tryOpen(url: string): StreamSocket | undefined {
    try {
      return this.#ports.openSocket(url);
    } catch {
      return undefined;
    }
  }

  /** Gives up an attempt; what it still brings no longer counts. */
  #abandon(turn: number, attempt: number, reason: string): void {
    if (turn !== this.#turn) return;
    this.#turn += 1;
    this.#wait(attempt, reason);
  }

  #onClose({ code, reason, attempt }: { code: number; reason: string; attempt: number }): void {
    const wasLive = this.#state.state === "live";
    this.#release();
    this.#refusals = code === CLOSE.checkFailed ? this.#refusals + 1 : 0;
    const verdict = judgeClose({ code, reason, refusals: this.#refusals });
    if (verdict.verdict === "end") this.#set({ state: "ended", reason: verdict.reason, signIn: verdict.signIn });
    else this.#wait(wasLive ? 1 : attempt, reason || "The connection was lost.");
  }

  #wait(failures: number, reason: string): void {
    const delayMs = toDelayMs(failures, this.#ports.random());
    this.#set({ state: "waiting", attempt: failures + 1, retryAtMs: this.#ports.nowMs() + delayMs, reason });
    this.#setTimer(() => this.retryNow(), delayMs);
  }

  /** One timer for thousands of messages: when it rings, it looks how long ago the last one was. */
  #listenForSilence(turn: number, attempt: number, ms = SILENCE_MAX_MS): void {
    this.#setTimer(() => {
      if (turn !== this.#turn) return;
      const leftMs = this.#heardAtMs + SILENCE_MAX_MS - this.#ports.nowMs();
      if (leftMs > 0) this.#listenForSilence(turn, attempt, leftMs);
      else this.#onClose({ code: NO_CLOSE_FRAME, reason: "The server went silent.", attempt });
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
