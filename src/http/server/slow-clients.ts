/** Ends connections of clients that read or send more slowly than a minimum rate (R16). Otherwise they would hold memory and connections indefinitely. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { readTakenBytes } from "@/src/core/limits/taken-bytes";

export interface SlowClients {
  /** Watches the connection of a request until it closes. The connection is destroyed if its responses are read too slowly. */
  watchAnswer(request: IncomingMessage, response: ServerResponse): void;
  /**
   * Watches a body until it has arrived, or the returned function is called. Calls `onSlow` once if the body arrives too slowly, or not within `timeoutMs`. Time in which the
   * server does not read does not count.
   */
  watchBody(request: IncomingMessage, options: { timeoutMs: number; onSlow: () => void }): () => void;
  /** Stops watching the responses of a connection, because it has become a stream with its own rules (W7, W16). */
  forget(socket: Socket): void;
  /** Checks everything that is watched. Call it every SWEEP_INTERVAL_MS. */
  sweep(): void;
}

/** The interval of {@link SlowClients.sweep}. */
export const SWEEP_INTERVAL_MS = 5_000;

const LIMITS = {
  /** In either direction. A phone with a bad connection is faster over a window. */
  bytesPerSecondMin: 8 * 1024,
  /** The rate is measured over this time, from the first moment at which the server waits for the client. */
  windowMs: 30_000,
  /** The longest time between a response and the rest of its request. */
  restMs: 5_000,
};

/** The bytes since the first of the consecutive sweeps at which the server waited for the client. */
interface Window {
  since: number | undefined;
  bytesBefore: number;
}

interface Answering {
  request: IncomingMessage;
  response: ServerResponse;
  window: Window;
  /** Since when the response has been sent, while the request has not arrived. */
  restSince: number | undefined;
  /** Stops the watching. */
  onClose: () => void;
}

interface Arriving {
  window: Window;
  endsAt: number;
  onSlow: () => void;
}

/** `now`: monotonic, in milliseconds. */
export function createSlowClients({ now = () => performance.now() }: { now?: () => number } = {}): SlowClients {
  const answering = new Map<Socket, Answering>();
  const arriving = new Map<IncomingMessage, Arriving>();

  function judgeAnswer(socket: Socket, state: Answering, at: number): void {
    const isWaitedFor = socket.writableLength > 0;
    // The operating system accepts more bytes after the client has read earlier ones.
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
      // A stream that can't be opened is refused with an error, and the connection can go on. Its next responses are watched again.
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

/** The server does not wait for the rest of a request that has its response. A client that goes on sending is disconnected. */
function hasEndlessRest(state: Answering, at: number): boolean {
  if (state.request.complete || !state.response.writableFinished) {
    state.restSince = undefined;
    return false;
  }
  state.restSince ??= at;
  return at - state.restSince >= LIMITS.restMs;
}
