/** Finds dead connections: pings every one now and then, and drops those that don't answer (W8). It must not know what else they carry. */

/** A connection that can be pinged. No method may throw. */
export interface Peer {
  ping(): void;
  /** Bytes that wait to be sent: a ping is behind them. */
  unsentBytes(): number;
  /** Rises when the operating system takes bytes. */
  takenBytes(): number;
  /** Cuts the connection without a close handshake: nobody is there to answer it. */
  terminate(): void;
}

export interface Beating {
  /** The answer to a ping has come. */
  pong(): void;
  /** The connection has gone. */
  stop(): void;
}

export interface Heartbeat {
  /** Pings `peer` for the first time one interval from now. */
  add(peer: Peer): Beating;
  /** Lets one step pass. The timer calls it. */
  step(): void;
  /** Stops the timer. */
  stop(): void;
}

/** Connections that came at different times are pinged at different steps, so that thousands of them don't all write at once. */
const STEPS_PER_INTERVAL = 25;

interface PeerState {
  peer: Peer;
  nextPingStep: number;
  /** When it was pinged, or when it last showed since then that it reads what was before the ping. */
  pingedStep: number | undefined;
  /** At that step: whether anything was before the ping, and what had been taken. */
  hadBacklog: boolean;
  takenBytes: number;
}

/**
 * One timer for all connections. `pongTimeoutMs` is rounded up to whole steps of `pingIntervalMs / 25`. Time is counted in steps: when the
 * process stood still, connections are not dropped for the pongs that it did not read meanwhile. A client that reads slowly has the time that it needs
 * for what is before the ping: it is dropped when it took nothing of that for so long.
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
        if (state.pingedStep === undefined) look(state);
        state.peer.ping();
      }
    }
  }

  function look(state: PeerState): void {
    state.pingedStep = now;
    state.hadBacklog = state.peer.unsentBytes() > 0;
    state.takenBytes = state.peer.takenBytes();
  }

  /** Whether the client took some of what was before the ping since it was last looked at; then it is looked at again. */
  function isReading(state: PeerState): boolean {
    const isReading = state.hadBacklog && state.peer.takenBytes() > state.takenBytes;
    if (isReading) look(state);
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
