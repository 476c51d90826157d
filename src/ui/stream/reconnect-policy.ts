/** Whether and when a closed stream is opened again. Pure. */
import { ERRORS } from "@/src/shared/errors";
import { CLOSE } from "@/src/shared/streams/protocol";

const DELAY_FIRST_MS = 500;
export const DELAY_MAX_MS = 15_000;
/** A stream that says nothing for this long is taken for dead: it should beat every 25 s. */
export const SILENCE_MAX_MS = 40_000;
/** So many refusals in a row are meant: a ticket that is late once is possible. */
const REFUSALS_MAX = 3;

/** How long to wait before attempt `attempt` (from 1): doubled each time up to a limit, with a random part (0 to 1) so that clients spread. */
export function toDelayMs(attempt: number, random: number): number {
  const whole = Math.min(DELAY_MAX_MS, DELAY_FIRST_MS * 2 ** Math.min(attempt - 1, 20));
  return Math.round(whole * (0.5 + random * 0.5));
}

/** `signIn`: the reader has to sign in first. */
export type CloseVerdict = { verdict: "retry" } | { verdict: "end"; reason: string; signIn: boolean };

/** What a close asks for: to try again, or to tell the reader why it is over. `refusals`: how many closes in a row refused us, this one included. */
export function judgeClose({ code, reason, refusals }: { code: number; reason: string; refusals: number }): CloseVerdict {
  // Access ended while the stream was open (W6): opening it again is the reader's decision.
  if (code === CLOSE.accessEnded) {
    if (reason === ERRORS.session_ended.message) return { verdict: "end", reason: "Your session has ended. Sign in again.", signIn: true };
    return { verdict: "end", reason: reason || "The server ended the stream.", signIn: false };
  }
  if (code === CLOSE.checkFailed && refusals >= REFUSALS_MAX)
    return { verdict: "end", reason: reason || "The server refused the stream.", signIn: false };
  return { verdict: "retry" };
}
