/** The judge of several streams with the same identity. Their callers take turns, so that a caller without CPU budget does not delay the others. */
import type { CallerPath } from "@/src/core/access/caller-path";
import type { JudgeDependency, RecordJudge } from "@/src/core/access/record-judge";
import type { Room } from "@/src/core/limits/room";
import { isPending, type MaybePromise } from "@/src/core/maybe-promise";
import { AppError, isAppError } from "@/src/shared/errors";
import type { StreamJudge } from "./judged-changes";

/** The judge of one stream, and the caller whose CPU budget it uses. */
export interface StreamCaller {
  judge: RecordJudge;
  caller: CallerPath;
}

export interface SharedJudge extends StreamJudge {
  /**
   * The records that the verdicts so far have found, whichever stream's judge gave them: at most DEPENDENCIES_MAX, and beyond these whole endpoints. The array
   * grows, and never shrinks.
   */
  dependencies(): readonly JudgeDependency[];
  add(stream: StreamCaller): void;
  /** Removes a stream that has ended. */
  remove(stream: StreamCaller): void;
}

/** The number of single records that the streams of one judge depend on together. More become one dependency on all records of their endpoint. */
export const DEPENDENCIES_MAX = 200;
/** The number of single records that the streams of all judges of a process depend on together. */
export const ALL_DEPENDENCIES_MAX = 100_000;
/** The number of callers that are tried for one list of records. */
const TRIES_MAX = 16;

/** `hidesFields`, `isImmediate` and `condition` are the same for all judges of an identity. `room` is shared by the judges of the process. */
export function createSharedJudge(
  { hidesFields, isImmediate, condition }: Pick<RecordJudge, "hidesFields" | "isImmediate" | "condition">,
  room: Room,
): SharedJudge {
  /** In the order of their turns. */
  const streams = new Set<StreamCaller>();
  /** The next one, or the only one. */
  let first: StreamCaller | undefined;
  const dependencies: JudgeDependency[] = [];
  const known = new Set<string>();
  let taken = 0;

  function takeRoom(): boolean {
    if (dependencies.length >= DEPENDENCIES_MAX || !room.take()) return false;
    taken += 1;
    return true;
  }

  function note({ judge: own }: StreamCaller): void {
    // The last stream has ended during the evaluation.
    if (streams.size === 0) return;
    for (const dependency of own.dependencies?.() ?? []) {
      const { endpointId, recordId, isInIdentity } = dependency;
      // Those of the identity are of each stream alone.
      if (isInIdentity || known.has(endpointId)) continue;
      if (recordId !== undefined && known.has(`${endpointId} ${recordId}`)) continue;
      const isWhole = recordId === undefined || !takeRoom();
      known.add(isWhole ? endpointId : `${endpointId} ${recordId}`);
      dependencies.push(isWhole ? { ...dependency, recordId: undefined } : dependency);
    }
    // The list has them. Otherwise each of many streams would keep its own.
    own.forgetFound?.();
  }

  function takeNext(): StreamCaller {
    const next = first;
    // Without a stream, nothing can be judged.
    if (!next) throw new AppError("server_busy");
    if (streams.size > 1) {
      streams.delete(next);
      streams.add(next);
      [first] = streams;
    }
    return next;
  }

  const judge: StreamJudge["judge"] = (operation, records, options) => {
    if (isImmediate) return takeNext().judge.judge(operation, records, options);
    const ask = (): MaybePromise<readonly boolean[]> => {
      const stream = takeNext();
      const verdicts = stream.judge.judge(operation, records, { ...options, caller: stream.caller });
      // Only access functions find out more while they judge.
      return isPending(verdicts)
        ? verdicts.then((settled) => {
            note(stream);
            return settled;
          })
        : verdicts;
    };
    const retry = async (error: unknown): Promise<readonly boolean[]> => {
      let last = error;
      for (let tries = Math.min(streams.size, TRIES_MAX); tries > 1 && isAppError(last) && last.code === "rate_limited"; tries -= 1) {
        try {
          return await ask();
        } catch (next) {
          last = next;
        }
      }
      throw last;
    };
    const verdicts = ask();
    return isPending(verdicts) ? verdicts.then(undefined, retry) : verdicts;
  };

  return {
    hidesFields,
    isImmediate,
    condition,
    dependencies: () => dependencies,
    add: (stream) => {
      streams.add(stream);
      first ??= stream;
      note(stream);
    },
    remove: (stream) => {
      streams.delete(stream);
      [first] = streams;
      if (streams.size > 0) return;
      room.release(taken);
      taken = 0;
    },
    judge,
    redact: (record) => takeNext().judge.redact(record),
  };
}
