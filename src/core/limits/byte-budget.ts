/** Counts the bytes held in memory for callers (responses, uploads, imports) and enforces limits: in total, and for each group at each level. */
import type { SharedGauge } from "@/src/core/limits/ports";
import type { AppError } from "@/src/shared/errors";

export interface ByteBudgetOptions {
  /** The total limit in bytes. */
  max: number;
  /**
   * The limits in bytes for one group, by level: the first number applies to the first name of a path, and so on. Levels without a number have no
   * limit of their own.
   */
  groupMax?: readonly number[];
  /** Counts together with the other workers of this server. Absent: this process alone. */
  shared?: SharedGauge | undefined;
  /** Creates the error that is thrown over a limit. It should say when to try again. */
  createBusyError: () => AppError;
}

/** The bytes held for one caller. */
export interface ByteHold {
  /** Holds more bytes. Throws the busy error over a limit; then nothing is added. */
  add(bytes: number): void;
  /** Holds more bytes even beyond the limits, for responses that can no longer be refused, such as that of a committed write. */
  addAnyway(bytes: number): void;
  /** Releases some bytes, at most those that are held. */
  remove(bytes: number): void;
  /** Releases all bytes. Later additions are ignored, because the request has ended. Further calls have no effect. */
  release(): void;
}

export interface ByteBudget {
  /**
   * Holds bytes on behalf of `path`, for example account, project, caller. Throws the busy error if the total limit or that of a group would be
   * exceeded. An empty group may hold one piece larger than its own limit, so that nothing is refused indefinitely. The total limit has no exception.
   */
  hold(path: readonly string[], bytes: number): ByteHold;
  /** Throws the busy error while the total or a group on the path exceeds its limit (see {@link ByteHold.addAnyway}). Holds nothing. */
  requireRoom(path: readonly string[]): void;
  /** The total number of bytes held. */
  readonly held: number;
}

/** The id of the total in the shared counts. The ids of groups are JSON. */
const ALL = "";

export function createByteBudget({ max, groupMax = [], shared, createBusyError }: ByteBudgetOptions): ByteBudget {
  /** By the joined names of a path down to the group. Empty groups are not kept. */
  const heldByGroup = new Map<string, number>();
  let held = 0;

  function take(groups: readonly string[], bytes: number): void {
    const isTooMuch = (group: string, level: number) => {
      const before = (heldByGroup.get(group) ?? 0) + (shared?.others(group) ?? 0);
      return before > 0 && before + bytes > (groupMax[level] ?? Number.POSITIVE_INFINITY);
    };
    if (held + (shared?.others(ALL) ?? 0) + bytes > max || groups.some(isTooMuch)) throw createBusyError();
    count(groups, bytes);
  }

  function count(groups: readonly string[], bytes: number): void {
    held += bytes;
    shared?.add(ALL, bytes);
    for (const group of groups) {
      heldByGroup.set(group, (heldByGroup.get(group) ?? 0) + bytes);
      shared?.add(group, bytes);
    }
  }

  function giveBack(groups: readonly string[], bytes: number): void {
    held -= bytes;
    shared?.add(ALL, -bytes);
    for (const group of groups) {
      shared?.add(group, -bytes);
      const left = (heldByGroup.get(group) ?? 0) - bytes;
      if (left > 0) heldByGroup.set(group, left);
      else heldByGroup.delete(group);
    }
  }

  return {
    get held() {
      return held;
    },
    requireRoom(path) {
      const isOver = (group: string, level: number) => (heldByGroup.get(group) ?? 0) > (groupMax[level] ?? Number.POSITIVE_INFINITY);
      if (held > max || (groupMax.length > 0 && toGroups(path).some(isOver))) throw createBusyError();
    },
    hold(path, bytes) {
      const groups = toGroups(path);
      let own = 0;
      let isReleased = false;
      const add = (more: number) => {
        if (isReleased) return;
        take(groups, more);
        own += more;
      };
      const remove = (fewer: number) => {
        const given = Math.min(fewer, own);
        own -= given;
        giveBack(groups, given);
      };
      // An empty hold is never refused: responses that can no longer be refused begin with one.
      if (bytes > 0) add(bytes);
      const addAnyway = (more: number) => {
        if (isReleased) return;
        count(groups, more);
        own += more;
      };
      const release = () => {
        isReleased = true;
        remove(own);
      };
      return { add, addAnyway, remove, release };
    },
  };
}

/** The groups of a path, from the first level down. */
function toGroups(path: readonly string[]): string[] {
  return path.map((_, level) => JSON.stringify(path.slice(0, level + 1)));
}
