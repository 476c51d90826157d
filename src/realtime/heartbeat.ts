/** Finds dead connections: pings every one now and then, and drops those that don't answer (W8). It must not know what else they carry. */

/** A connection that can be pinged. No method may throw. */
export interface Peer {
  ping(): void;
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
  pingedStep: number | undefined;
}

/**
 * One timer for all connections. `pongTimeoutMs` is rounded up to whole steps of `pingIntervalMs / 25`. Time is counted in steps: when the
 * process stood still, connections are not dropped for the pongs that it did not read meanwhile.
 */
export function createHeartbeat({ pingIntervalMs, pongTimeoutMs }: { pingIntervalMs: number; pongTimeoutMs: number }): Heartbeat {
  const stepMs = pingIntervalMs / STEPS_PER_INTERVAL;
  const timeoutSteps = Math.ceil(pongTimeoutMs / stepMs);
  const states = new Set<PeerState>();
  let now = 0;

  function step(): void {
    now++;
    for (const state of states) {
      if (state.pingedStep !== undefined && now - state.pingedStep >= timeoutSteps) {
        states.delete(state);
        state.peer.terminate();
      } else if (now >= state.nextPingStep) {
        state.nextPingStep = now + STEPS_PER_INTERVAL;
        state.pingedStep ??= now;
        state.peer.ping();
      }
    }
  }

  const timer = setInterval(step, stepMs).unref();
  return {
    add: (peer) => {
      const state: PeerState = { peer, nextPingStep: now + STEPS_PER_INTERVAL, pingedStep: undefined };
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
