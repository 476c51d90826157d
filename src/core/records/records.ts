/** The rules of records (R2–R5, R8, R9): create, read, update and delete. Access was already checked by access.ts. */
import type { CallerPath } from "@/src/core/access/caller-path";
import type { FieldPath, RecordJudge } from "@/src/core/access/record-judge";
import { mergeJsonObjects } from "@/src/core/json/merge";
import { isJsonObject } from "@/src/core/json/text";
import { andThen, type MaybePromise } from "@/src/core/maybe-promise";
import { mergeMetadata } from "@/src/core/records/file-metadata";
import { toReplay, writeStoredResponse } from "@/src/core/records/idempotency-key";
import { createJudgedReads, requireAllowed, toJudged } from "@/src/core/records/judged-reads";
import {
  createJudgedWrites,
  hideHiddenMismatch,
  requireCreatable,
  requireHiddenLeft,
  type ShownRecord,
  showCreated,
  showWritten,
  toNewRecord,
} from "@/src/core/records/judged-writes";
import type {
  FoundRecord,
  IdempotencyKey,
  ListRange,
  MergedState,
  ReadScope,
  RecordStore,
  StoredRecord,
  WriteResult,
} from "@/src/core/records/ports";
import type { RecordBody } from "@/src/core/records/record-body";
import { requireSchemaMatch } from "@/src/core/records/schema-check";
import { createUniqueId } from "@/src/core/records/unique-id";
import type { Sandbox } from "@/src/core/sandbox";
import { AppError } from "@/src/shared/errors";
import type { PutStrategy, RecordKind } from "@/src/shared/streams/protocol";

/** The conditions of a write. If one fails, nothing is written. */
export interface WriteConditions {
  /** Fails with `version_conflict` unless the record has this version (R7). */
  expectedVersion?: number | undefined;
  /** Fails with `access_denied` unless this user owns the record (S2). */
  onlyOwner?: string | undefined;
  /** Fails with `access_denied` unless the judge allows it (S7). The result is shown as the caller may read it. */
  judge?: RecordJudge | undefined;
}

/** The JSON Schema of the endpoint as JSON text (R10). Null: none. A body that does not match it fails with `schema_mismatch`. */
export interface WriteSchema {
  schema: string | null;
  /** On whose behalf the schema is evaluated. */
  caller: CallerPath;
}

export interface NewRecords extends WriteSchema {
  endpointId: string;
  bodies: readonly RecordBody[];
  /** The bodies are the items of one array (R8), so problems are reported with their index. */
  inArray: boolean;
  /** Absent: the records have no owner. */
  owner?: string | undefined;
  /** Fails with `access_denied` unless the judge allows all of them, also for a replay. The result is shown as the caller may read it. */
  judge?: RecordJudge | undefined;
  /** Absent: every request is executed. */
  idempotencyKey?: IdempotencyKey | undefined;
}

interface Page {
  items: string | AsyncIterable<string>;
  nextAfter: number | undefined;
}

/** A request for a page of a list. */
type PageRequest = Omit<ListRange, "upto"> & JudgedRead & { endpointId: string; dataOnly: boolean; limit: number };

/** How a read is judged (S7). Absent: all records in scope are returned, as they are stored. */
interface JudgedRead {
  judge?: RecordJudge | undefined;
  /** Aborts when the result is no longer needed. */
  signal?: AbortSignal | undefined;
}

export interface Records {
  /** Stores a new record (R2) that `owner` owns (absent: nobody). Throws what `requireSchemaMatch` throws. */
  create(request: WriteSchema & { endpointId: string; body: RecordBody; owner?: string | undefined }): Promise<StoredRecord>;
  /**
   * Stores a record for each body, in order: all or none. With `idempotencyKey`, a request that was already executed writes nothing, and its stored
   * records are returned (R9). Throws `idempotency_key_reused`, and what `requireSchemaMatch` throws.
   */
  createAll(request: NewRecords): Promise<{ records: ShownRecord[]; isReplay: boolean }>;
  /** Those of the named records that exist and are in scope, as pieces of JSON text, in creation order (R3). */
  readByIds(request: ReadScope & JudgedRead & { endpointId: string; ids: readonly string[]; dataOnly: boolean }): AsyncIterable<string>;
  /** One record, or undefined if there is none. Throws `access_denied` if somebody other than `onlyOwner` owns it, or the judge refuses it. */
  readOne(request: {
    endpointId: string;
    id: string;
    onlyOwner: string | undefined;
    judge?: RecordJudge | undefined;
  }): Promise<FoundRecord | undefined>;
  /** The current version of a record. Undefined: there is no record. */
  findVersion(request: { endpointId: string; id: string }): Promise<number | undefined>;
  /** The records of a range as pieces of JSON text without brackets (see RecordStore.readAll). */
  readAll(request: ListRange & JudgedRead & { endpointId: string; dataOnly: boolean }): AsyncIterable<string>;
  /**
   * A list or, with `limit`, a page of it, and the seq after which the next page begins (undefined: there is none). `items` are array items joined by
   * commas: one text if they are short, otherwise pieces that are read as they are consumed.
   */
  readList(
    request: Omit<ListRange, "upto"> & JudgedRead & { endpointId: string; dataOnly: boolean; limit?: number | undefined },
  ): Promise<Page>;
  /** The first `limit` records of a range, and the seq after which the next page begins. Undefined: this is the last page. */
  readPage(request: PageRequest): Promise<Page>;
  /**
   * Replaces or merges a record (R4). Throws `record_not_found`, `access_denied`, `version_conflict`, `type_mismatch`, `merge_needs_objects`, and
   * what `requireSchemaMatch` throws for the body or the merged data. Then nothing was written.
   */
  update(
    request: WriteConditions & WriteSchema & { endpointId: string; id: string; strategy: PutStrategy; body: RecordBody },
  ): Promise<ShownRecord>;
  /** Deletes a record and returns its last state (R5). Throws `record_not_found`, `access_denied`, `version_conflict`. */
  remove(request: WriteConditions & { endpointId: string; id: string }): Promise<ShownRecord>;
}

/** `recordBytesMax` limits the size of a merged record. The size of bodies is limited where they are read. */
export function createRecords({
  store,
  sandbox,
  recordBytesMax,
}: {
  store: RecordStore;
  sandbox: Pick<Sandbox, "validate">;
  recordBytesMax: number;
}): Records {
  const judged = createJudgedReads(store);
  const judgedWrites = createJudgedWrites(store);
  const requireMatch = ({ schema, caller }: WriteSchema, text: string) => requireSchemaMatch({ sandbox, schema, texts: [text], caller });

  async function createAll({
    endpointId,
    schema,
    caller,
    bodies,
    inArray,
    owner,
    idempotencyKey,
    judge,
  }: NewRecords): ReturnType<Records["createAll"]> {
    const writes = bodies.map((body) => ({ type: "POST" as const, id: createUniqueId(), ...body, owner }));
    // Before a replay too: the caller may have lost the right to create.
    if (judge) await requireCreatable(judge, writes.map(toNewRecord));
    // Checked before the schema, which may have changed since the first request.
    const before = idempotencyKey && (await store.findStoredResponse(endpointId, idempotencyKey));
    if (before) return showCreated(toReplay(before), owner, judge);
    await requireSchemaMatch({ sandbox, schema, texts: bodies.map(({ data }) => data), inArray, caller });
    if (bodies.length === 0) return { records: [], isReplay: false };
    if (!idempotencyKey)
      return showCreated({ records: (await store.commit(endpointId, writes)).map(toRecord), isReplay: false }, owner, judge);
    const result = await store.commitIdempotent(endpointId, idempotencyKey, writes, writeStoredResponse);
    if (result.outcome !== "written") return showCreated(toReplay(result), owner, judge);
    return showCreated({ records: result.results.map(toRecord), isReplay: false }, owner, judge);
  }

  async function readPage({ endpointId, limit, dataOnly, judge, signal, ...range }: PageRequest): Promise<Page> {
    if (judge) return judged.readPage({ endpointId, judge, signal, limit, dataOnly, ...range });
    const page = await store.findPage(endpointId, { ...range, limit });
    if (!page) return { items: "", nextAfter: undefined };
    const { firstSeq, lastSeq, hasMore } = page;
    // New records are inserted before the first one of a descending list.
    const after = range.after ?? (range.order === "desc" ? firstSeq + 1 : undefined);
    return { items: store.readAll(endpointId, { ...range, after, upto: lastSeq, dataOnly }), nextAfter: hasMore ? lastSeq : undefined };
  }

  /** Every state that the merge is applied to is judged. With a check the endpoint is not locked meanwhile. */
  async function mergeJudged({
    endpointId,
    schema,
    caller,
    id,
    body,
    judge,
    expectedVersion,
    ...conditions
  }: WriteConditions & WriteSchema & { endpointId: string; id: string; body: RecordBody; judge: RecordJudge }): Promise<ShownRecord> {
    let hidden: readonly FieldPath[] = [];
    const change = async (current: MergedState) => {
      const record = toJudged({ id, ...current });
      await requireAllowed(judge, "update", record, body.data);
      // Checked here, so that a caller who is refused does not find out the version.
      if (expectedVersion !== undefined && current.version !== expectedVersion) throw new AppError("version_conflict");
      requireHiddenLeft(judge, record, body.data);
      hidden = judge.hidesFields ? judge.hiddenFields(record) : [];
      return merge(current, body.data, recordBytesMax);
    };
    const check = (merged: string) => hideHiddenMismatch(hidden, () => requireMatch({ schema, caller }, merged));
    return showOne(judge, await store.merge(endpointId, id, change, { ...conditions, check }));
  }

  return {
    createAll,
    async create({ body, ...request }) {
      const { records } = await createAll({ ...request, bodies: [body], inArray: false });
      const [record] = records;
      if (!record) throw new AppError("internal_error", { internal: "the store returned no result" });
      return record;
    },
    async readOne({ endpointId, id, onlyOwner, judge }) {
      if (judge) return judged.readOne({ endpointId, id, onlyOwner, judge });
      const found = await store.readOne(endpointId, id);
      if (found && onlyOwner !== undefined && found.owner !== onlyOwner) throw new AppError("access_denied");
      return found;
    },
    async findVersion({ endpointId, id }) {
      return (await store.readOne(endpointId, id))?.version;
    },
    readByIds({ endpointId, ids, judge, dataOnly, owner }) {
      return judge ? judged.readByIds({ endpointId, ids, judge, dataOnly, owner }) : store.readByIds(endpointId, ids, { dataOnly, owner });
    },
    readAll({ endpointId, judge, signal, ...options }) {
      return judge ? judged.readAll({ endpointId, judge, signal, ...options }) : store.readAll(endpointId, options);
    },
    readPage,
    async readList({ endpointId, limit, dataOnly, judge, signal, ...range }) {
      if (judge && limit === undefined)
        return { items: judged.readAll({ endpointId, judge, signal, dataOnly, ...range }), nextAfter: undefined };
      if (judge && limit !== undefined) return judged.readPage({ endpointId, judge, signal, limit, dataOnly, ...range });
      const start = await store.readStart(endpointId, { ...range, limit, dataOnly });
      if (start && (limit !== undefined || !start.more)) return { items: start.items, nextAfter: start.more?.after };
      if (start)
        return { items: continueList(start.items, store.readAll(endpointId, { ...range, ...start.more, dataOnly })), nextAfter: undefined };
      if (limit === undefined) return { items: store.readAll(endpointId, { ...range, dataOnly }), nextAfter: undefined };
      return readPage({ endpointId, limit, dataOnly, ...range });
    },
    async update({ endpointId, schema, caller, id, strategy, body, judge, ...conditions }) {
      switch (strategy) {
        case "force":
        case "replace": {
          const sameType = strategy === "replace";
          if (judge) {
            const check = (data: string) => requireMatch({ schema, caller }, data);
            return showOne(
              judge,
              await judgedWrites.replace({ endpointId, id, judge, body, sameType, check, recordBytesMax, ...conditions }),
            );
          }
          await requireMatch({ schema, caller }, body.data);
          const write = { type: "PUT", id, ...body, sameType, ...conditions } as const;
          const [result] = await store.commit(endpointId, [write]);
          return toRecord(result);
        }
        case "merge": {
          if (body.contentType !== "json" || !isJsonObject(body.data)) throw new AppError("merge_needs_objects");
          if (judge) return mergeJudged({ endpointId, schema, caller, id, body, judge, ...conditions });
          const check = schema === null ? undefined : (merged: string) => requireMatch({ schema, caller }, merged);
          const change = (current: MergedState) => merge(current, body.data, recordBytesMax);
          return toRecord(await store.merge(endpointId, id, change, { ...conditions, check }));
        }
      }
    },
    async remove({ endpointId, id, judge, ...conditions }) {
      if (judge) return showOne(judge, await judgedWrites.remove({ endpointId, id, judge, ...conditions }));
      const [result] = await store.commit(endpointId, [{ type: "DELETE", id, ...conditions }]);
      return toRecord(result);
    },
  };
}

async function showOne(judge: RecordJudge, result: WriteResult): Promise<ShownRecord> {
  const record = toRecord(result);
  const owner = result.outcome === "ok" ? result.change.owner : null;
  const [shown] = await showWritten(judge, [{ ...record, owner }]);
  return shown ?? { ...record, data: "null", isHidden: true };
}

async function* continueList(start: string, rest: AsyncIterable<string>): AsyncGenerator<string, void> {
  yield start;
  yield* rest;
}

/** A promise only if the texts are long. */
function merge(current: { contentType: RecordKind; data: string }, patch: string, bytesMax: number): MaybePromise<string> {
  return andThen(mergeTexts(current, patch), (merged) => {
    if (Buffer.byteLength(merged) <= bytesMax) return merged;
    throw new AppError("body_too_large", { detail: `The merged record would be larger than ${bytesMax} bytes.` });
  });
}

function mergeTexts({ contentType, data }: { contentType: RecordKind; data: string }, patch: string): MaybePromise<string> {
  if (contentType === "file") return mergeMetadata(data, patch);
  if (contentType !== "json" || !isJsonObject(data)) throw new AppError("merge_needs_objects");
  return mergeJsonObjects(data, patch);
}

function toRecord(result: WriteResult | undefined): StoredRecord {
  switch (result?.outcome) {
    case "ok":
      return result.change.record;
    case "record_not_found":
    case "access_denied":
    case "type_mismatch":
    case "version_conflict":
      throw new AppError(result.outcome);
    case "endpoint_not_found":
      // The endpoint was deleted after its definition was read. The error is the same as if it had been looked up a moment later.
      throw new AppError("endpoint_or_key_invalid", { internal: "the endpoint was deleted before the write" });
    case undefined:
      throw new AppError("internal_error", { internal: "the store returned no result" });
  }
}
