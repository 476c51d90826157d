/** Counts the bytes that are held in memory for callers (answers, uploads, imports), and refuses more than its limits: in all, and for each group of each level. */
import type { AppError } from "@/src/shared/errors";

export interface ByteBudgetOptions {
  /** Bytes in all. */
  max: number;
  /** Bytes of one group, by level: the first number is for the first name of a path, and so on. A level without a number has no limit of its own. */
  groupMax?: readonly number[];
  /** The error of whatever does not fit: it says when to try again. */
  createBusyError: () => AppError;
}

/** Bytes that are held for one caller. */
export interface ByteHold {
  /** Holds so many more. Throws the busy error, and then holds what it held before. */
  add(bytes: number): void;
  /** Holds so many more, beyond the limits if need be: for what can't be refused any more, such as the answer to a write that is committed. */
  addAnyway(bytes: number): void;
  /** Gives some of them back; never more than are held. */
  remove(bytes: number): void;
  /** Gives back all that is held. From then on nothing is held: whatever is added later belongs to a caller that has gone. Calling it again does nothing. */
  release(): void;
}

export interface ByteBudget {
  /**
   * Holds so many bytes on behalf of `path`, e.g. account, project, caller. Throws the busy error when they exceed the limit in all or that of a group.
   * A group of which nothing is held may hold one piece larger than its limit, so that nothing is refused forever; the limit in all has no exception.
   */
  hold(path: readonly string[], bytes: number): ByteHold;
  /** Throws the busy error while more than the limits is held in all, or by a group on the path (see {@link ByteHold.addAnyway}). Holds nothing. */
  requireRoom(path: readonly string[]): void;
  /** Bytes held in all. */
  readonly held: number;
}

export function createByteBudget({ max, groupMax = [], createBusyError }: ByteBudgetOptions): ByteBudget {
  /** By the joined names of a path down to the group; groups that hold nothing are not kept. */
  const heldByGroup = new Map<string, number>();
  let held = 0;

  function take(groups: readonly string[], bytes: number): void {
    const isTooMuch = (group: string, level: number) => {
      const before = heldByGroup.get(group) ?? 0;
      return before > 0 && before + bytes > (groupMax[level] ?? Number.POSITIVE_INFINITY);
    };
    if (held + bytes > max || groups.some(isTooMuch)) throw createBusyError();
    count(groups, bytes);
  }

  function count(groups: readonly string[], bytes: number): void {
    held += bytes;
    for (const group of groups) heldByGroup.set(group, (heldByGroup.get(group) ?? 0) + bytes);
  }

  function giveBack(groups: readonly string[], bytes: number): void {
    held -= bytes;
    for (const group of groups) {
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
      // An empty hold is never refused: what can't be refused any more begins with one.
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

/** A path's groups, from the first level down. */
function toGroups(path: readonly string[]): string[] {
  return path.map((_, level) => JSON.stringify(path.slice(0, level + 1)));
}
