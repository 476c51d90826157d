/** Waits for a condition that has no event, by polling. Bounded, so that a test that waits in vain fails with the condition. */
import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 10;

/** Calls `probe` until it returns something other than false, null or undefined, and returns that. Throws after `timeoutMs` with `what`. */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
  options: { timeoutMs?: number } = {},
): Promise<Exclude<T, false | null | undefined>> {
  const deadline = Date.now() + (options.timeoutMs ?? 10_000);
  for (;;) {
    const answer = await probe();
    if (answer !== false && answer !== null && answer !== undefined) return answer as Exclude<T, false | null | undefined>;
    if (Date.now() > deadline) throw new Error(`Waited in vain for: ${what}`);
    await delay(POLL_MS);
  }
}
