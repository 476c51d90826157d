/** The judge of several streams with the same identity. They take turns, so that a caller without CPU budget does not delay the others. */
import type { RecordJudge } from "@/src/core/access/record-judge";
import { isPending } from "@/src/core/maybe-promise";
import { AppError, isAppError } from "@/src/shared/errors";
import type { StreamJudge } from "./judged-changes";

/** The number of callers that are tried for one list of records. */
const TRIES_MAX = 16;

export interface SharedJudge extends StreamJudge {
  /** Adds the judge of a stream. Each call needs its own call of `remove`. */
  add(judge: RecordJudge): void;
  /** Removes the judge of a stream that has ended. */
  remove(judge: RecordJudge): void;
}

/** `hidesFields` is the same for all judges of an identity. */
export function createSharedJudge({ hidesFields }: Pick<RecordJudge, "hidesFields">): SharedJudge {
  /** The judges in the order of their turns, with the number of their streams. */
  const judges = new Map<RecordJudge, number>();

  function takeNext(): RecordJudge {
    const [next] = judges;
    // Without a stream, nothing can be judged.
    if (!next) throw new AppError("server_busy");
    const [judge, streams] = next;
    if (judges.size > 1) {
      judges.delete(judge);
      judges.set(judge, streams);
    }
    return judge;
  }

  return {
    hidesFields,
    add: (judge) => {
      judges.set(judge, (judges.get(judge) ?? 0) + 1);
    },
    remove: (judge) => {
      const streams = (judges.get(judge) ?? 0) - 1;
      if (streams > 0) judges.set(judge, streams);
      else judges.delete(judge);
    },
    judge: (...asked) => {
      const verdicts = takeNext().judge(...asked);
      if (!isPending(verdicts)) return verdicts;
      const retry = async (error: unknown): Promise<readonly boolean[]> => {
        let last = error;
        for (let tries = Math.min(judges.size, TRIES_MAX); tries > 1 && isAppError(last) && last.code === "rate_limited"; tries -= 1) {
          try {
            return await takeNext().judge(...asked);
          } catch (next) {
            last = next;
          }
        }
        throw last;
      };
      return verdicts.then(undefined, retry);
    },
    redact: (record) => takeNext().redact(record),
  };
}
