/** The rules of records (R2–R5, R8, R9): create, read, update and delete. Access was already checked by access.ts. */
import type { CallerPath } from "@/src/core/access/caller-path";
import { mergeJsonObjects } from "@/src/core/json/merge";
import { isJsonObject } from "@/src/core/json/text";
import { andThen, type MaybePromise } from "@/src/core/maybe-promise";
import { mergeMetadata } from "@/src/core/records/file-metadata";
import { toReplay, writeStoredResponse } from "@/src/core/records/idempotency-key";
import type { FoundRecord, IdempotencyKey, ListRange, ReadScope, RecordStore, StoredRecord, WriteResult } from "@/src/core/records/ports";
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
  /** Absent: every request is executed. */
  idempotencyKey?: IdempotencyKey | undefined;
}

/** A request for a page of a list. */
type PageRequest = Omit<ListRange, "upto"> & { endpointId: string; dataOnly: boolean; limit: number };

export interface Records {
  /** Stores a new record (R2) that `owner` owns (absent: nobody). Throws what `requireSchemaMatch` throws. */
  create(request: WriteSchema & { endpointId: string; body: RecordBody; owner?: string | undefined }): Promise<StoredRecord>;
  /**
   * Stores a record for each body, in order: all or none. With `idempotencyKey`, a request that was already executed writes nothing, and its stored
   * records are returned (R9). Throws `idempotency_key_reused`, and what `requireSchemaMatch` throws.
   */
  createAll(request: NewRecords): Promise<{ records: StoredRecord[]; isReplay: boolean }>;
  /** Those of the named records that exist and are in scope, as pieces of JSON text, in creation order (R3). */
  readByIds(request: ReadScope & { endpointId: string; ids: readonly string[]; dataOnly: boolean }): AsyncIterable<string>;
  /** One record, or undefined if there is none. Throws `access_denied` if somebody other than `onlyOwner` owns it. */
  readOne(request: { endpointId: string; id: string; onlyOwner: string | undefined }): Promise<FoundRecord | undefined>;
  /** The current version of a record. Undefined: there is no record. */
  findVersion(request: { endpointId: string; id: string }): Promise<number | undefined>;
  /** The records of a range as pieces of JSON text without brackets (see RecordStore.readAll). */
  readAll(request: ListRange & { endpointId: string; dataOnly: boolean }): AsyncIterable<string>;
  /**
   * A list or, with `limit`, a page of it, and the seq after which the next page begins (undefined: there is none). `items` are array items joined by
   * commas: one text if they are short, otherwise pieces that are read as they are consumed.
   */
  readList(
    request: Omit<ListRange, "upto"> & { endpointId: string; dataOnly: boolean; limit?: number | undefined },
  ): Promise<{ items: string | AsyncIterable<string>; nextAfter: number | undefined }>;
  /** The first `limit` records of a range, and the seq after which the next page begins. Undefined: this is the last page. */
  readPage(request: PageRequest): Promise<{ pieces: AsyncIterable<string>; nextAfter: number | undefined }>;
  /**
   * Replaces or merges a record (R4). Throws `record_not_found`, `access_denied`, `version_conflict`, `type_mismatch`, `merge_needs_objects`, and
   * what `requireSchemaMatch` throws for the body or the merged data. Then nothing was written.
   */
  update(
    request: WriteConditions & WriteSchema & { endpointId: string; id: string; strategy: PutStrategy; body: RecordBody },
  ): Promise<StoredRecord>;
  /** Deletes a record and returns its last state (R5). Throws `record_not_found`, `access_denied`, `version_conflict`. */
  remove(request: WriteConditions & { endpointId: string; id: string }): Promise<StoredRecord>;
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
  const requireMatch = ({ schema, caller }: WriteSchema, text: string) => requireSchemaMatch({ sandbox, schema, texts: [text], caller });

  async function createAll({
    endpointId,
    schema,
    caller,
    bodies,
    inArray,
    owner,
    idempotencyKey,
  }: NewRecords): ReturnType<Records["createAll"]> {
    // Checked before the schema, which may have changed since the first request.
    const before = idempotencyKey && (await store.findStoredResponse(endpointId, idempotencyKey));
    if (before) return toReplay(before);
    await requireSchemaMatch({ sandbox, schema, texts: bodies.map(({ data }) => data), inArray, caller });
    if (bodies.length === 0) return { records: [], isReplay: false };
    const writes = bodies.map((body) => ({ type: "POST" as const, id: createUniqueId(), ...body, owner }));
    if (!idempotencyKey) return { records: (await store.commit(endpointId, writes)).map(toRecord), isReplay: false };
    const result = await store.commitIdempotent(endpointId, idempotencyKey, writes, writeStoredResponse);
    if (result.outcome !== "written") return toReplay(result);
    return { records: result.results.map(toRecord), isReplay: false };
  }

  async function readPage({ endpointId, limit, dataOnly, ...range }: PageRequest): ReturnType<Records["readPage"]> {
    const page = await store.findPage(endpointId, { ...range, limit });
    if (!page) return { pieces: noPieces(), nextAfter: undefined };
    const { firstSeq, lastSeq, hasMore } = page;
    // New records are inserted before the first one of a descending list.
    const after = range.after ?? (range.order === "desc" ? firstSeq + 1 : undefined);
    return { pieces: store.readAll(endpointId, { ...range, after, upto: lastSeq, dataOnly }), nextAfter: hasMore ? lastSeq : undefined };
  }

  return {
    createAll,
    async create({ body, ...request }) {
      const { records } = await createAll({ ...request, bodies: [body], inArray: false });
      const [record] = records;
      if (!record) throw new AppError("internal_error", { internal: "the store returned no result" });
      return record;
    },
    async readOne({ endpointId, id, onlyOwner }) {
      const found = await store.readOne(endpointId, id);
      if (found && onlyOwner !== undefined && found.owner !== onlyOwner) throw new AppError("access_denied");
      return found;
    },
    async findVersion({ endpointId, id }) {
      return (await store.readOne(endpointId, id))?.version;
    },
    readByIds({ endpointId, ids, ...options }) {
      return store.readByIds(endpointId, ids, options);
    },
    readAll({ endpointId, ...options }) {
      return store.readAll(endpointId, options);
    },
    readPage,
    async readList({ endpointId, limit, dataOnly, ...range }) {
      const start = await store.readStart(endpointId, { ...range, limit, dataOnly });
      if (start && (limit !== undefined || !start.more)) return { items: start.items, nextAfter: start.more?.after };
      if (start)
        return { items: continueList(start.items, store.readAll(endpointId, { ...range, ...start.more, dataOnly })), nextAfter: undefined };
      if (limit === undefined) return { items: store.readAll(endpointId, { ...range, dataOnly }), nextAfter: undefined };
      const { pieces, nextAfter } = await readPage({ endpointId, limit, dataOnly, ...range });
      return { items: pieces, nextAfter };
    },
    async update({ endpointId, schema, caller, id, strategy, body, ...conditions }) {
      switch (strategy) {
        case "force":
        case "replace": {
          await requireMatch({ schema, caller }, body.data);
          const write = { type: "PUT", id, ...body, sameType: strategy === "replace", ...conditions } as const;
          const [result] = await store.commit(endpointId, [write]);
          return toRecord(result);
        }
        case "merge": {
          if (body.contentType !== "json" || !isJsonObject(body.data)) throw new AppError("merge_needs_objects");
          const check = schema === null ? undefined : (merged: string) => requireMatch({ schema, caller }, merged);
          const change = (current: { contentType: RecordKind; data: string }) => merge(current, body.data, recordBytesMax);
          return toRecord(await store.merge(endpointId, id, change, { ...conditions, check }));
        }
      }
    },
    async remove({ endpointId, id, ...conditions }) {
      const [result] = await store.commit(endpointId, [{ type: "DELETE", id, ...conditions }]);
      return toRecord(result);
    },
  };
}

async function* continueList(start: string, rest: AsyncIterable<string>): AsyncGenerator<string, void> {
  yield start;
  yield* rest;
}

async function* noPieces(): AsyncGenerator<string, void> {}

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
