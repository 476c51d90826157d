/** Finds dead connections: pings each one periodically, and terminates those that do not respond (W8). */

/** A connection that can be pinged. Its methods must not throw. */
export interface Peer {
  ping(): void;
  /** The bytes that wait to be sent. A ping is sent after them. */
  unsentBytes(): number;
  /** A counter that rises when the operating system takes bytes. */
  takenBytes(): number;
  /** Ends the connection without a close handshake, which a dead peer would not complete. */
  terminate(): void;
}

export interface HeartbeatHandle {
  /** Call this when the response to a ping arrives. */
  pong(): void;
  /** Call this when the connection has closed. */
  stop(): void;
}

export interface Heartbeat {
  /** Pings `peer` for the first time one interval from now. */
  add(peer: Peer): HeartbeatHandle;
  /** Advances the time by one step. The timer calls it. */
  step(): void;
  /** Stops the timer. */
  stop(): void;
}

/** Connections that open at different times are pinged at different steps, so that thousands of them do not all write at once. */
const STEPS_PER_INTERVAL = 25;

interface PeerState {
  peer: Peer;
  nextPingStep: number;
  /** The step of the ping, or of the last progress with the bytes before it; undefined if no response is due. */
  pingedStep: number | undefined;
  /** Whether bytes waited before the ping at that step. `takenBytes` is the counter at that step. */
  hadBacklog: boolean;
  takenBytes: number;
}

/**
 * Uses one timer for all connections. `pongTimeoutMs` is rounded up to whole steps of `pingIntervalMs / 25`. Time is counted in steps, so that connections are
 * not terminated for pongs that a stalled process did not read. A slow client gets the time that it needs for the bytes before the ping, and is terminated only
 * if it takes none of them within the timeout.
 */
export function createHeartbeat({ pingIntervalMs, pongTimeoutMs }: { pingIntervalMs: number; pongTimeoutMs: number }): Heartbeat {
  const stepMs = pingIntervalMs / STEPS_PER_INTERVAL;
  const timeoutSteps = Math.ceil(pongTimeoutMs / stepMs);
  const states = new Set<PeerState>();
  let now = 0;

  function step(): void {
    now++;
    for (const state of states) {
      if (state.pingedStep !== undefined && now - state.pingedStep >= timeoutSteps && !isReading(state)) {
        states.delete(state);
        state.peer.terminate();
      } else if (now >= state.nextPingStep) {
        state.nextPingStep = now + STEPS_PER_INTERVAL;
        if (state.pingedStep === undefined) measure(state);
        state.peer.ping();
      }
    }
  }

  function measure(state: PeerState): void {
    state.pingedStep = now;
    state.hadBacklog = state.peer.unsentBytes() > 0;
    state.takenBytes = state.peer.takenBytes();
  }

  /** Whether the client has taken bytes before the ping since the last measurement. If so, measures again. */
  function isReading(state: PeerState): boolean {
    const isReading = state.hadBacklog && state.peer.takenBytes() > state.takenBytes;
    if (isReading) measure(state);
    return isReading;
  }

  const timer = setInterval(step, stepMs).unref();
  return {
    add: (peer) => {
      const state: PeerState = { peer, nextPingStep: now + STEPS_PER_INTERVAL, pingedStep: undefined, hadBacklog: false, takenBytes: 0 };
      states.add(state);
      return {
        pong: () => {
          state.pingedStep = undefined;
        },
        stop: () => states.delete(state),
      };
    },
    step,
    stop: () => clearInterval(timer),
  };
}
