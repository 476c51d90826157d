/** A change log in memory, for properties over interleavings that a database can't be made to take. Contract suites use the real one. */
import type { Change, ChangeLog, LogPosition } from "@/src/core/ports";

export interface MemoryLog extends ChangeLog {
  readonly endpointId: string;
  position(): LogPosition;
  /** Appends `count` changes and answers them. `bytes`: the size of each one's data; `owner`: whose record it is; `isUpload`: of files sent together. */
  commit(count: number, options?: { bytes?: number; owner?: string | null; isUpload?: boolean }): Change[];
  /** Whose record the change was to, be it forgotten. */
  ownerOf(seq: number): string | null;
  /** Forgets the changes up to and including `seq`, as retention does. */
  trim(seq: number): void;
  /** Puts another log in its place: `seq` changes of a new epoch; or of the same one, as a failover that lost the end does. */
  replace(options: { epoch?: string; seq: number }): void;
  /** Removes the endpoint. */
  remove(): void;
}

/** `pause` is awaited before and after each query looks at the log: whoever holds it decides what happens meanwhile, or makes the query fail. */
export function createMemoryLog(options: { endpointId?: string; epoch: string; pause?: () => Promise<void> }): MemoryLog {
  const endpointId = options.endpointId ?? "019a0000-0000-7000-8000-000000000001";
  const pause = options.pause ?? (async () => undefined);
  let epoch = options.epoch;
  let seq = 0;
  let kept: Change[] = [];
  let owners: (string | null)[] = [];
  let isThere = true;

  const query = async <T>(look: () => T): Promise<T> => {
    await pause();
    const answer = look();
    await pause();
    return answer;
  };

  return {
    endpointId,
    position: () => ({ epoch, seq }),
    commit: (count, { bytes = 10, owner = null, isUpload = false } = {}) => {
      const committed = Array.from({ length: count }, (_, index) => {
        const change = toChange({ endpointId, seq: ++seq, bytes, owner });
        return isUpload && index < count - 1 ? { ...change, following: count - 1 - index } : change;
      });
      kept.push(...committed);
      owners.push(...committed.map((change) => change.owner));
      return committed;
    },
    ownerOf: (at) => owners[at - 1] ?? null,
    trim: (upTo) => {
      kept = kept.filter((change) => change.seq > upTo);
    },
    replace: (log) => {
      epoch = log.epoch ?? epoch;
      seq = log.seq;
      kept = Array.from({ length: seq }, (_, index) => toChange({ endpointId, seq: index + 1, bytes: 10, owner: null }));
      owners = kept.map((change) => change.owner);
    },
    remove: () => {
      isThere = false;
    },
    positions: (endpointIds) => query(() => new Map(isThere && endpointIds.includes(endpointId) ? [[endpointId, { epoch, seq }]] : [])),
    read: (id, after, limit) =>
      query(() => (isThere && id === endpointId ? kept.filter((change) => change.seq > after).slice(0, limit) : [])),
    readFor: (owner, id, after, limit) =>
      query(() => {
        const page = isThere && id === endpointId ? kept.filter((change) => change.seq > after).slice(0, limit) : [];
        return page.map((change) => (change.owner === owner ? change : { seq: change.seq, hidden: true }));
      }),
  };
}

function toChange({ endpointId, seq, bytes, owner }: { endpointId: string; seq: number; bytes: number; owner: string | null }): Change {
  const at = new Date(seq).toISOString();
  const id = seq.toString(16).padStart(32, "0");
  const data = `"${"x".repeat(Math.max(bytes - 2, 0))}"`;
  return { endpointId, seq, type: "POST", record: { id, version: 1, data, createdAt: at, updatedAt: at }, owner, at };
}
