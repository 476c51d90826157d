/** Decides whether and when a closed stream is reopened. Pure. */
import { CLOSE, SESSION_ENDED_REASON } from "@/src/shared/streams/protocol";

const DELAY_FIRST_MS = 500;
export const DELAY_MAX_MS = 15_000;
/** A stream without messages for this long counts as lost. The server sends a heartbeat every 25 s. */
export const SILENCE_MAX_MS = 40_000;
/** After this many rejections in a row, retries stop. A single one can be an expired ticket. */
const REJECTIONS_MAX = 3;

/** The delay after failure number `attempt` (from 1). It doubles up to a limit. `random` (0 to 1) spreads clients over half of the delay. */
export function toDelayMs(attempt: number, random: number): number {
  const whole = Math.min(DELAY_MAX_MS, DELAY_FIRST_MS * 2 ** Math.min(attempt - 1, 20));
  return Math.round(whole * (0.5 + random * 0.5));
}

/** `signIn`: the user must sign in again. */
export type CloseVerdict = { verdict: "retry" } | { verdict: "end"; reason: string; signIn: boolean };

/** Decides whether to retry after a close or to end with a reason. `rejections`: the number of rejections in a row, including this close. */
export function classifyClose({ code, reason, rejections }: { code: number; reason: string; rejections: number }): CloseVerdict {
  // Access ended while the stream was open (W6). The user decides whether to reconnect.
  if (code === CLOSE.accessEnded) {
    if (reason === SESSION_ENDED_REASON) return { verdict: "end", reason: "Your session has ended. Sign in again.", signIn: true };
    return { verdict: "end", reason: reason || "The server closed the stream.", signIn: false };
  }
  if (code === CLOSE.checkFailed && rejections >= REJECTIONS_MAX)
    return { verdict: "end", reason: reason || "The server rejected the stream.", signIn: false };
  return { verdict: "retry" };
}
