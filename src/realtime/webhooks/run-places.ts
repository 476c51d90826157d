/** Decides how many webhooks a node delivers at the same time (H7). Those of accounts whose receivers are slow have places of their own. */
import type { ClaimRoom } from "@/src/core/webhooks/ports";
import type { RequestLanes } from "./request-lanes";

/** Webhooks of accounts that are not slow: in total, and of one account. */
const RUNNING_MAX = 64;
const RUNNING_PER_OWNER_MAX = 8;
/** The same of accounts that are slow. */
const RUNNING_SLOW_MAX = 128;
const RUNNING_PER_SLOW_OWNER_MAX = 2;

export interface RunPlaces {
  /** How many webhooks may be claimed now. Undefined: none. */
  findRoom(): ClaimRoom | undefined;
  /** Call it for each claimed webhook. Returns the function to call at its end, which returns true if others may have waited for the place. */
  take(ownerId: string): () => boolean;
  /**
   * Whether a webhook may begin another round. False: it gives up its place first, because others may wait for it. Slow ones give it up after each round, so
   * that the others of their account have a turn too.
   */
  mayGoOn(ownerId: string): boolean;
}

export function createRunPlaces({ isSlow, listSlow }: Pick<RequestLanes, "isSlow" | "listSlow">): RunPlaces {
  const running = new Map<string, number>();
  const countRuns = () => {
    let [normal, slow] = [0, 0];
    for (const [ownerId, count] of running) {
      if (isSlow(ownerId)) slow += count;
      else normal += count;
    }
    return { normal, slow };
  };
  const isFull = ({ normal, slow }: { normal: number; slow: number }, ownerId: string) =>
    isSlow(ownerId) ? slow >= RUNNING_SLOW_MAX : normal >= RUNNING_MAX;

  return {
    findRoom() {
      const { normal, slow } = countRuns();
      const [limit, slowLimit] = [Math.max(0, RUNNING_MAX - normal), Math.max(0, RUNNING_SLOW_MAX - slow)];
      if (limit === 0 && slowLimit === 0) return undefined;
      const busyOwners = [...running].flatMap(([ownerId, count]) =>
        count >= (isSlow(ownerId) ? RUNNING_PER_SLOW_OWNER_MAX : RUNNING_PER_OWNER_MAX) ? [ownerId] : [],
      );
      const perOwners = { perOwner: RUNNING_PER_OWNER_MAX, perSlowOwner: RUNNING_PER_SLOW_OWNER_MAX };
      return { limit, slowLimit, ...perOwners, slowOwners: listSlow(), busyOwners };
    },
    take(ownerId) {
      running.set(ownerId, (running.get(ownerId) ?? 0) + 1);
      return () => {
        const wasFull = isFull(countRuns(), ownerId);
        const left = (running.get(ownerId) ?? 0) - 1;
        if (left > 0) running.set(ownerId, left);
        else running.delete(ownerId);
        return wasFull;
      };
    },
    mayGoOn: (ownerId) => !isSlow(ownerId) && !isFull(countRuns(), ownerId),
  };
}
