/**
 * Writes at endpoints with access rules (S7). The state that was judged is the state that is replaced: a write expects its version, and is judged again
 * after a conflict.
 */
import type { FieldPath, JudgedRecord, RecordJudge } from "@/src/core/access/record-judge";
import { keepFields, leavesFields } from "@/src/core/json/hidden-fields";
import type { MaybePromise } from "@/src/core/maybe-promise";
import { createDenied, requireAllowed, toJudged } from "@/src/core/records/judged-reads";
import type { FoundRecord, RecordStore, StoredRecord, Write, WriteResult } from "@/src/core/records/ports";
import type { RecordBody } from "@/src/core/records/record-body";
import { AppError, isAppError } from "@/src/shared/errors";

/** A record as the response to a write shows it. `isHidden`: the caller may not read it, so the response is its receipt. Its `data` is empty then. */
export interface ShownRecord extends StoredRecord {
  isHidden?: true;
}

/** A record with its owner, before it is shown. */
type OwnedRecord = StoredRecord & { owner: string | null };

/** How often a write is judged again because the record changed in between. */
const ATTEMPTS_MAX = 20;
/** The maximum number of writes to one record that wait for each other. Each holds its body in memory. */
const WAITING_MAX = 200;

/** Throws `access_denied` or `access_function_failed` unless the judge allows to create all of the records, and what the judge throws. */
export async function requireCreatable(judge: RecordJudge, records: readonly JudgedRecord[]): Promise<void> {
  if (records.length === 0) return;
  const verdicts = await judge.judge("create", records);
  if (records.some((_, index) => verdicts[index] !== true)) throw judge.lastRefusal ?? createDenied("create");
}

/** A new record as it is judged. */
export function toNewRecord({ id, data, owner }: { id: string; data: string; owner?: string | undefined }): JudgedRecord {
  return { uniqueId: id, owner: owner ?? null, data };
}

/** The created records as their creator may read them. */
export function showCreated(
  created: { records: StoredRecord[]; isReplay: boolean },
  owner: string | undefined,
  judge: RecordJudge | undefined,
): MaybePromise<{ records: ShownRecord[]; isReplay: boolean }> {
  if (!judge) return created;
  const owned = created.records.map((record) => ({ ...record, owner: owner ?? null }));
  return showWritten(judge, owned).then((records) => ({ ...created, records }));
}

/**
 * The written records as their responses show them: without hidden fields, or only as receipts. Never rejects, because the records are written: if the
 * judge fails, they are hidden.
 */
export async function showWritten(judge: RecordJudge, written: readonly OwnedRecord[]): Promise<ShownRecord[]> {
  const records = written.map(toJudged);
  let verdicts: readonly boolean[] = [];
  try {
    verdicts = await judge.judge("read", records);
  } catch {
    // The judge has reported why.
  }
  return written.map(({ owner: _, ...record }, index) => {
    const judged = verdicts[index] === true ? records[index] : undefined;
    const data = judged && redact(judge, judged);
    return data === undefined ? { ...record, data: "null", isHidden: true } : { ...record, data };
  });
}

function redact(judge: RecordJudge, record: JudgedRecord): string | undefined {
  if (!judge.hidesFields) return record.data;
  try {
    return judge.redact(record);
  } catch {
    return undefined;
  }
}

/**
 * The data that replaces a record: `body` with the hidden fields that are stored. Throws `access_denied` if the body sets a hidden field, or replaces an
 * object or a list that may have one.
 */
export function keepHidden(judge: RecordJudge, record: JudgedRecord, body: string): string {
  const data = judge.hidesFields ? keepFields(record.data, body, judge.hiddenFields(record)) : body;
  if (data === undefined) throw createHiddenError();
  return data;
}

/** Throws `access_denied` if merging the patch into the record may change a hidden field. */
export function requireHiddenLeft(judge: RecordJudge, record: JudgedRecord, patch: string): void {
  if (judge.hidesFields && !leavesFields(record.data, patch, judge.hiddenFields(record))) throw createHiddenError();
}

function createHiddenError(): AppError {
  return new AppError("access_denied", {
    detail:
      "The body sets or replaces a field that the endpoint's access rules hide from you. Leave it out: hidden fields keep their values.",
  });
}

/** Without the places and values of a mismatch if fields are hidden from the caller, because they may be hidden ones. */
export async function hideHiddenMismatch<T>(hidden: readonly FieldPath[], check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (hidden.length === 0 || !isAppError(error) || error.code !== "schema_mismatch") throw error;
    throw new AppError("schema_mismatch", { detail: "The record does not match the endpoint's schema." });
  }
}

export interface JudgedTarget {
  endpointId: string;
  id: string;
  judge: RecordJudge;
  expectedVersion?: number | undefined;
  onlyOwner?: string | undefined;
}

export interface JudgedWrites {
  /** Replaces a record (R4). `check` receives the data to write. Throws what Records.update throws, and `server_busy` if the record keeps changing. */
  replace(
    request: JudgedTarget & { body: RecordBody; sameType: boolean; check: (data: string) => Promise<void>; recordBytesMax: number },
  ): Promise<WriteResult>;
  /** Deletes a record (R5). Throws as `replace`. */
  remove(request: JudgedTarget): Promise<WriteResult>;
}

export function createJudgedWrites(store: Pick<RecordStore, "readOne" | "commit">): JudgedWrites {
  const inTurn = createTurns();

  /** Judges the record, writes what `toWrite` returns, and does both again if the record has changed in between. */
  function write(
    { endpointId, id, judge, expectedVersion, onlyOwner }: JudgedTarget,
    operation: "update" | "delete",
    input: string | undefined,
    toWrite: (record: JudgedRecord) => Promise<Write>,
  ): Promise<WriteResult> {
    return inTurn(`${endpointId} ${id}`, async () => {
      for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
        const found: FoundRecord | undefined = await store.readOne(endpointId, id);
        if (!found) return { outcome: "record_not_found" };
        if (onlyOwner !== undefined && found.owner !== onlyOwner) return { outcome: "access_denied" };
        const record = toJudged(found);
        await requireAllowed(judge, operation, record, input);
        if (expectedVersion !== undefined && found.version !== expectedVersion) return { outcome: "version_conflict" };
        const next = await toWrite(record);
        const [result] = await store.commit(endpointId, [{ ...next, expectedVersion: found.version } as Write]);
        if (!result) throw new Error("the store returned no result");
        if (result.outcome !== "version_conflict" || expectedVersion !== undefined) return result;
      }
      throw new AppError("server_busy", { detail: "The record is changed too often. Try again shortly.", retryAfterSeconds: 1 });
    });
  }

  return {
    replace: ({ body, sameType, check, recordBytesMax, ...target }) =>
      write(target, "update", body.data, async (record) => {
        const data = keepHidden(target.judge, record, body.data);
        if (data !== body.data && Buffer.byteLength(data) > recordBytesMax)
          throw new AppError("body_too_large", { detail: `The record would be larger than ${recordBytesMax} bytes.` });
        await hideHiddenMismatch(target.judge.hidesFields ? target.judge.hiddenFields(record) : [], () => check(data));
        return { type: "PUT", id: target.id, contentType: body.contentType, data, sameType, onlyOwner: target.onlyOwner };
      }),
    remove: (target) => write(target, "delete", undefined, async () => ({ type: "DELETE", id: target.id, onlyOwner: target.onlyOwner })),
  };
}

/** Runs the work of each key one after the other. Otherwise writes to the same record would be judged again after each other's commits. */
function createTurns(): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  const turns = new Map<string, { last: Promise<unknown>; count: number }>();
  return async (key, work) => {
    const turn = turns.get(key) ?? { last: Promise.resolve(), count: 0 };
    if (turn.count >= WAITING_MAX)
      throw new AppError("server_busy", {
        detail: "Too many changes of this record are waiting. Send fewer at once, or try again shortly.",
        retryAfterSeconds: 1,
      });
    turns.set(key, turn);
    turn.count += 1;
    const running = turn.last.then(work);
    turn.last = running.catch(() => undefined);
    try {
      return await running;
    } finally {
      turn.count -= 1;
      if (turn.count === 0) turns.delete(key);
    }
  };
}
