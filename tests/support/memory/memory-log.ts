/** A change log in memory, for property tests over interleavings that a database cannot be forced into. Contract suites use the real log. */

import type { Change } from "@/src/core/records/ports";
import { proofOf } from "@/src/core/streams/change-proof";
import type { ChangeLog, FoundPosition } from "@/src/core/streams/ports";

export interface MemoryLog extends ChangeLog {
  readonly endpointId: string;
  position(): FoundPosition;
  /** Appends `count` changes and returns them. `bytes`: the size of each change's data; `owner`: the owner of its record; `isUpload`: the changes are one upload; `editOf`: they replace the record of this change. */
  commit(count: number, options?: { bytes?: number; owner?: string | null; isUpload?: boolean; editOf?: number }): Change[];
  /** The owner of the changed record, even if the change has expired. */
  ownerOf(seq: number): string | null;
  /** Deletes the changes up to and including `seq`, as retention does. */
  trim(seq: number): void;
  /** Replaces the log by one with `seq` changes, of a new epoch or, as after a failover that lost the end, of the same one. `from`: the changes after this seq differ. */
  replace(options: { epoch?: string; seq: number; from?: number }): void;
  /** Removes the endpoint. */
  remove(): void;
}

/** `pause` is awaited before and after each query reads the log, so that a test can interleave other work or make the query fail. */
export function createMemoryLog(options: { endpointId?: string; epoch: string; pause?: () => Promise<void> }): MemoryLog {
  const endpointId = options.endpointId ?? "019a0000-0000-7000-8000-000000000001";
  const pause = options.pause ?? (async () => undefined);
  let epoch = options.epoch;
  let seq = 0;
  let kept: Change[] = [];
  let owners: (string | null)[] = [];
  let isThere = true;
  /** How many times the end was replaced. The changes of each history have other ids. */
  let history = 0;
  const known = new Map<number, Change>();

  const proofThere = (place: number) => {
    const change = known.get(place);
    return change && proofOf(change);
  };
  const position = (places: Iterable<number> = known.keys()): FoundPosition => {
    const proofs = Array.from(places, (place): [number, string | undefined] => [place, proofThere(place)]);
    return {
      epoch,
      seq,
      proof: proofThere(seq),
      proofs: new Map(proofs.flatMap(([place, proof]) => (proof === undefined ? [] : [[place, proof]]))),
    };
  };
  const note = (changes: readonly Change[]) => {
    for (const change of changes) known.set(change.seq, change);
  };

  const query = async <T>(look: () => T): Promise<T> => {
    await pause();
    const answer = look();
    await pause();
    return answer;
  };

  return {
    endpointId,
    position,
    commit: (count, { bytes = 10, owner = null, isUpload = false, editOf } = {}) => {
      const committed = Array.from({ length: count }, (_, index) => {
        const created = toChange({ endpointId, seq: ++seq, bytes, owner, history });
        const id = editOf === undefined ? undefined : toChange({ endpointId, seq: editOf, bytes, owner, history }).record.id;
        const change: Change = id === undefined ? created : { ...created, type: "PUT", record: { ...created.record, id } };
        return isUpload && index < count - 1 ? { ...change, remainingInUpload: count - 1 - index } : change;
      });
      kept.push(...committed);
      note(committed);
      owners.push(...committed.map((change) => change.owner));
      return committed;
    },
    ownerOf: (at) => owners[at - 1] ?? null,
    trim: (upTo) => {
      kept = kept.filter((change) => change.seq > upTo);
      // Of the expired changes only the last one is known.
      for (const place of known.keys()) if (place < upTo) known.delete(place);
    },
    replace: (log) => {
      epoch = log.epoch ?? epoch;
      const old = kept;
      const before = history;
      if (log.from !== undefined) history++;
      seq = log.seq;
      kept = Array.from({ length: seq }, (_, index) => {
        const isOld = index < (log.from ?? seq);
        const found = isOld ? old.find((change) => change.seq === index + 1) : undefined;
        return found ?? toChange({ endpointId, seq: index + 1, bytes: 10, owner: null, history: isOld ? before : history });
      });
      known.clear();
      note(kept);
      owners = kept.map((change) => change.owner);
    },
    remove: () => {
      isThere = false;
    },
    positions: (endpointIds, places = []) =>
      query(() => {
        const isAsked = endpointIds.includes(endpointId) || places.some((place) => place.endpointId === endpointId);
        return new Map(isThere && isAsked ? [[endpointId, position(places.map((place) => place.seq))]] : []);
      }),
    read: (id, after, limit) =>
      query(() => (isThere && id === endpointId ? kept.filter((change) => change.seq > after).slice(0, limit) : [])),
    findChanged: (places) =>
      query(() =>
        places.map((place) => {
          if (!isThere || place.endpointId !== endpointId || place.seq > seq) return true;
          if (place.seq < seq && kept[0]?.seq !== undefined && kept[0].seq > place.seq + 1) return true;
          return kept.some(
            (change) =>
              change.seq > place.seq && (place.recordId === undefined ? change.type !== "POST" : change.record.id === place.recordId),
          );
        }),
      ),
    readFor: (owner, id, after, limit) =>
      query(() => {
        const page = isThere && id === endpointId ? kept.filter((change) => change.seq > after).slice(0, limit) : [];
        return page.map((change) => (change.owner === owner ? change : { seq: change.seq, hidden: true, proof: proofThere(change.seq) }));
      }),
  };
}

/** The proof of a change that the log had before its end was replaced `history` times. */
export function proofAt(seq: number, history = 0): string | undefined {
  return seq === 0 ? undefined : proofOf(toChange({ endpointId: "", seq, bytes: 10, owner: null, history }));
}

function toChange({
  endpointId,
  seq,
  bytes,
  owner,
  history,
}: {
  endpointId: string;
  seq: number;
  bytes: number;
  owner: string | null;
  history: number;
}): Change {
  const at = new Date(seq).toISOString();
  const id = history.toString(16).padStart(8, "0") + seq.toString(16).padStart(24, "0");
  const data = `"${"x".repeat(Math.max(bytes - 2, 0))}"`;
  return { endpointId, seq, type: "POST", record: { id, version: 1, data, createdAt: at, updatedAt: at }, owner, at };
}
