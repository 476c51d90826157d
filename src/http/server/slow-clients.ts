/** Ends what clients take or send more slowly than a least rate (R16): they would hold memory and a connection for as long as they like. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { readTakenBytes } from "@/src/core/limits/taken-bytes";

export interface SlowClients {
  /** Follows the connection of a request, until it closes: it is destroyed when its answers are taken too slowly. */
  watchAnswer(request: IncomingMessage, response: ServerResponse): void;
  /**
   * Follows a body until it has arrived, or the returned function is called. `onSlow` is called once, when the body arrives too slowly, or not within
   * `timeoutMs`. Time in which the server does not read on is not the client's.
   */
  watchBody(request: IncomingMessage, options: { timeoutMs: number; onSlow: () => void }): () => void;
  /** Leaves the answers of a connection alone from now on: it has become a stream, which has its own rules (W7, W16). */
  forget(socket: Socket): void;
  /** Judges everything that is followed. Call it every SWEEP_INTERVAL_MS. */
  sweep(): void;
}

/** How often {@link SlowClients.sweep} is to be called. */
export const SWEEP_INTERVAL_MS = 5_000;

const LIMITS = {
  /** In either direction. A phone on a bad line is faster over a window. */
  bytesPerSecondMin: 8 * 1024,
  /** The rate is judged over so long, from when the client first has to be waited for. */
  windowMs: 30_000,
  /** The rest of a request may come so long after its answer. */
  restMs: 5_000,
};

/** Bytes over the time in which the client had to be waited for at every sweep. */
interface Window {
  since: number | undefined;
  bytesBefore: number;
}

interface Answering {
  request: IncomingMessage;
  response: ServerResponse;
  window: Window;
  /** The answer had been handed over, and the request had not arrived, since then. */
  restSince: number | undefined;
  /** Ends the following. */
  onClose: () => void;
}

interface Arriving {
  window: Window;
  endsAt: number;
  onSlow: () => void;
}

/** `now`: monotonic, in ms. */
export function createSlowClients({ now = () => performance.now() }: { now?: () => number } = {}): SlowClients {
  const answering = new Map<Socket, Answering>();
  const arriving = new Map<IncomingMessage, Arriving>();

  function judgeAnswer(socket: Socket, state: Answering, at: number): void {
    const isWaitedFor = socket.writableLength > 0;
    // The system takes bytes when the client has taken what came before.
    const isSlow = isTooSlow(state.window, { at, isWaitedFor, bytes: isWaitedFor ? readTakenBytes(socket) : 0 });
    if (isSlow || hasEndlessRest(state, at)) socket.destroy();
  }

  function judgeBody(request: IncomingMessage, state: Arriving, at: number): void {
    if (request.complete || request.destroyed) {
      arriving.delete(request);
      return;
    }
    const isWaitedFor = request.readableLength === 0 && !request.isPaused();
    if (!isTooSlow(state.window, { at, isWaitedFor, bytes: request.socket.bytesRead }) && at < state.endsAt) return;
    arriving.delete(request);
    state.onSlow();
  }

  return {
    watchAnswer(request, response) {
      const { socket } = request;
      const state = answering.get(socket);
      if (state) {
        state.request = request;
        state.response = response;
        return;
      }
      const onClose = () => void answering.delete(socket);
      answering.set(socket, { request, response, window: { since: undefined, bytesBefore: 0 }, restSince: undefined, onClose });
      socket.once("close", onClose);
    },
    watchBody(request, { timeoutMs, onSlow }) {
      arriving.set(request, { window: { since: undefined, bytesBefore: 0 }, endsAt: now() + timeoutMs, onSlow });
      return () => void arriving.delete(request);
    },
    forget(socket) {
      const state = answering.get(socket);
      if (!state) return;
      // A stream that can't be opened is answered with an error, and the connection may go on: its next answers are followed anew.
      socket.off("close", state.onClose);
      answering.delete(socket);
    },
    sweep() {
      const at = now();
      for (const [socket, state] of answering) judgeAnswer(socket, state, at);
      for (const [request, state] of arriving) judgeBody(request, state, at);
    },
  };
}

function isTooSlow(window: Window, { at, isWaitedFor, bytes }: { at: number; isWaitedFor: boolean; bytes: number }): boolean {
  if (!isWaitedFor) {
    window.since = undefined;
    return false;
  }
  const elapsedMs = window.since === undefined ? 0 : at - window.since;
  if (window.since !== undefined) {
    if (elapsedMs < LIMITS.windowMs) return false;
    if (bytes - window.bytesBefore < (LIMITS.bytesPerSecondMin * elapsedMs) / 1000) return true;
  }
  window.since = at;
  window.bytesBefore = bytes;
  return false;
}

/** Nobody waits for the rest of a request that is answered: a client that goes on sending is cut off. */
function hasEndlessRest(state: Answering, at: number): boolean {
  if (state.request.complete || !state.response.writableFinished) {
    state.restSince = undefined;
    return false;
  }
  state.restSince ??= at;
  return at - state.restSince >= LIMITS.restMs;
}
