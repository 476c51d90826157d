/** Replaces a record by the result of a function, without losing concurrent updates. Merges of one record that wait share a commit (ADR 38). */
import type { Change, RecordStore, WriteResult } from "@/src/core/records/ports";
import type { Db } from "@/src/db/client";
import { createRowBusyError, isRowBusyError } from "@/src/db/errors";
import type { RawStatements } from "@/src/db/raw-statements";
import type { EndpointQueue } from "@/src/db/records/endpoint-queue";
import { applyMerges, GROUP_MERGES_MAX, type Member, type RecordState, type Step, toWrites } from "@/src/db/records/merge-group";
import { createReadForMerge, type ReadForMerge, readForMerge } from "@/src/db/records/read-for-merge";
import { nameStatement } from "@/src/db/statement";
import { AppError, isAppError } from "@/src/shared/errors";

type Merge = RecordStore["merge"];

/** How often the record may change between read and write. After that the endpoint is locked. */
const UNLOCKED_ATTEMPTS_MAX = 5;
/** The same for merges with a check. Others must not wait for a check, so the endpoint is never locked. */
const CHECKED_ATTEMPTS_MAX = 30;

/** The maximum number of concurrent merges of one record with a check, and of those without one. Each holds its data in memory. */
const MERGES_MAX = 200;

const LOCK_ENDPOINT = nameStatement("rested_lock_endpoint", `SELECT 1 AS found FROM "Endpoint" WHERE id = $1::uuid FOR NO KEY UPDATE`);

interface Access {
  db: Db;
  read: ReadForMerge;
  commit: RecordStore["commit"];
  queue: EndpointQueue;
}

/**
 * Creates the merge function. Merges of one record that wait are applied in memory, one to the result of the other, and written together on the
 * condition that the version is unchanged; if it is not, they are applied again. So no lock is held in between, and the write can share a group commit.
 * While merges keep coming, a group begins with the result of the one before it, so that only the first one reads. Queued merges hold no connection.
 */
export function createMerge({
  db,
  reads = db,
  commit,
  queue,
}: Omit<Access, "read"> & {
  /** Default: `db`. */
  reads?: Pick<RawStatements, "$queryRawUnsafe">;
}): Merge {
  const access = { db, commit, queue, read: createReadForMerge(reads) };
  const chains = new Map<string, MergeChain>();

  return (endpointId, id, change, conditions = {}) => {
    // Merges without a check must not wait for those with one. The two chains of a record conflict by version, like two servers.
    const key = `${endpointId} ${id} ${conditions.check ? "checked" : ""}`;
    let chain = chains.get(key);
    if (!chain) {
      chain = new MergeChain(access, endpointId, id, () => chains.delete(key));
      chains.set(key, chain);
    }
    return chain.add(change, conditions);
  };
}

/** The state of the record at a time after the arrival of all merges below `asOf`. Undefined: it does not exist, for the reason `outcome`. */
interface Known {
  record: RecordState | undefined;
  outcome?: "endpoint_not_found" | "record_not_found";
  asOf: number;
}

/** The running and queued merges of one record. */
class MergeChain {
  readonly #access: Access;
  readonly #endpointId: string;
  readonly #id: string;
  readonly #onEmpty: () => void;
  #waiting: Member[] = [];
  #running = 0;
  #arrivals = 0;
  #isDraining = false;
  /** The result of the last commit, or what was read. Undefined: read it again. */
  #known: Known | undefined;
  /** The maximum size of the next group with checks. It doubles after each success and falls to 1 after a conflict or a refusal, which wastes checks. */
  #checkedMax = 1;

  constructor(access: Access, endpointId: string, id: string, onEmpty: () => void) {
    this.#access = access;
    this.#endpointId = endpointId;
    this.#id = id;
    this.#onEmpty = onEmpty;
  }

  add(change: Member["change"], conditions: Member["conditions"]): Promise<WriteResult> {
    if (this.#running + this.#waiting.length >= MERGES_MAX)
      return Promise.reject(createRowBusyError("Too many merges of this record are waiting. Send fewer at once, or try again shortly."));
    return new Promise((resolve, reject) => {
      const arrival = this.#arrivals++;
      this.#waiting.push({ change, conditions, arrival, conflicts: 0, isAlone: false, resolve, reject });
      if (!this.#isDraining) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#isDraining = true;
    while (this.#waiting.length > 0) await this.#runGroup();
    this.#onEmpty();
  }

  /** Runs the next group. Each of its merges is settled or queued again, at the front. Never throws. */
  async #runGroup(): Promise<void> {
    let members: Member[] = [];
    try {
      this.#known ??= await this.#read(this.#access.read);
      members = this.#take();
      if (members.some((member) => isLockNeeded(member))) await this.#runLocked(members);
      else await this.#run(members, this.#known);
    } catch (error) {
      this.#known = undefined;
      this.#fail(members, error);
    } finally {
      this.#running = 0;
    }
  }

  async #read(read: ReadForMerge): Promise<Known> {
    const asOf = this.#arrivals;
    const found = await read(this.#endpointId, this.#id);
    return typeof found === "string" ? { record: undefined, outcome: found, asOf } : { record: found, asOf };
  }

  #take(): Member[] {
    const [first] = this.#waiting;
    const alone = this.#waiting.findIndex(({ isAlone }) => isAlone);
    const max = first?.isAlone ? 1 : Math.min(GROUP_MERGES_MAX, first?.conditions.check ? this.#checkedMax : GROUP_MERGES_MAX);
    const members = this.#waiting.splice(0, alone > 0 ? Math.min(alone, max) : max);
    this.#running = members.length;
    return members;
  }

  async #run(members: readonly Member[], known: Known): Promise<void> {
    const steps = await apply(members, known);
    const writes = known.record ? toWrites(this.#id, known.record, steps) : [];
    const asOf = this.#arrivals;
    const results = writes.length === 0 ? [] : await this.#access.commit(this.#endpointId, writes);
    this.#settle({ members, steps, results, known, asOf, isFinal: false });
  }

  /** After many conflicts: reads and writes in a transaction that locks the endpoint first, so that no other writer can come between. */
  async #runLocked(members: readonly Member[]): Promise<void> {
    const { db, queue } = this.#access;
    const change = () =>
      db.$transaction(async (tx) => {
        // A separate statement: a statement that waits for a lock still reads the state from before the wait.
        await tx.$queryRawUnsafe(LOCK_ENDPOINT, this.#endpointId);
        const known = await this.#read((...request) => readForMerge(tx, ...request));
        const steps = await apply(members, known);
        const writes = known.record ? toWrites(this.#id, known.record, steps) : [];
        const results = writes.length === 0 ? [] : await tx.record.commit(this.#endpointId, writes);
        return { members, steps, results, known, asOf: known.asOf, isFinal: true };
      });
    this.#settle(await queue.run(this.#endpointId, change));
  }

  /**
   * Settles the merges of a group after its commit. If its first write was done, the state that the group began with was still current then, so its
   * refusals are right as well. Otherwise a refusal counts only if the state was read after the merge arrived: another server may have changed the
   * record in between. All others are queued again.
   */
  #settle({ members, steps, results, known, asOf, isFinal }: Attempt): void {
    const isCurrent = results[0]?.outcome === "ok";
    const again: Member[] = [];
    let written = 0;
    let hasConflict = false;
    let last: Change | undefined;
    for (const step of steps) {
      const { member } = step;
      if (step.kind === "write") {
        const result = results[written++];
        if (result?.outcome === "ok") last = result.change;
        else hasConflict = true;
        if (!result) member.reject(new Error(`record_commit returned no row for a merge at endpoint ${this.#endpointId}`));
        else if (result.outcome === "ok" || isFinal) member.resolve(result);
        else if (countConflict(member)) again.push(member);
        else member.reject(new AppError("server_busy", { detail: "The record is changed too often. Try again shortly." }));
      } else if (hasConflict || !(isCurrent || isFinal || member.arrival < known.asOf)) again.push(member);
      else if (step.kind === "refused") member.resolve(step.result);
      else member.reject(step.error);
    }
    this.#waiting.unshift(...again, ...members.slice(steps.length));
    this.#known = hasConflict || again.length > 0 ? undefined : toNext(known, last, asOf);
    const hasFailed = hasConflict || steps.some(({ kind }) => kind === "failed");
    this.#checkedMax = hasFailed ? 1 : Math.min(2 * this.#checkedMax, GROUP_MERGES_MAX);
  }

  /** After the error of a read or of a commit, which wrote nothing or has an unknown outcome. */
  #fail(members: readonly Member[], error: unknown): void {
    const isUnavailable = isAppError(error) && error.code === "database_unavailable";
    if (members.length === 0 || isUnavailable || isRowBusyError(error)) {
      // The read failed for all. Or the database is unavailable, or the endpoint's row locked: the queued ones must not wait for as long again.
      for (const { reject } of [...members, ...this.#waiting.splice(0)]) reject(error);
    } else if (members.length === 1 || isAppError(error)) {
      for (const { reject } of members) reject(error);
    } else {
      // The statement was rolled back, so running its parts writes nothing twice.
      this.#waiting.unshift(...members);
      for (const member of members) member.isAlone = true;
    }
  }
}

interface Attempt {
  /** The merges that were taken for the group. Those without a step come next. */
  members: readonly Member[];
  steps: readonly Step[];
  /** Of the writes among the steps. */
  results: readonly WriteResult[];
  known: Known;
  /** All merges below had arrived when the commit began. */
  asOf: number;
  /** The endpoint was locked, so another attempt would end in the same way. */
  isFinal: boolean;
}

function isLockNeeded({ conditions, conflicts }: Member): boolean {
  return !conditions.check && conflicts >= UNLOCKED_ATTEMPTS_MAX;
}

async function apply(members: readonly Member[], { record, outcome = "record_not_found" }: Known): Promise<Step[]> {
  if (record) return applyMerges(record, members);
  return members.map((member) => ({ kind: "refused", member, result: { outcome } }));
}

/** The state that the next group begins with: the record after the last write of this one. */
function toNext(known: Known, last: Change | undefined, asOf: number): Known {
  if (!known.record || !last) return known;
  const { version, data } = last.record;
  return { record: { version, data, contentType: known.record.contentType, owner: last.owner }, asOf };
}

/** Returns true if the merge may be tried again. */
function countConflict(member: Member): boolean {
  member.conflicts += 1;
  return !member.conditions.check || member.conflicts < CHECKED_ATTEMPTS_MAX;
}
