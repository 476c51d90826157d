/** The rules of records (R2–R5, R8, R9): what a create, read, update and delete does. It must not know transports, nor check access (access.ts does). */
import type { CallerPath } from "@/src/core/access/caller-path";
import { mergeJsonObjects } from "@/src/core/json/merge";
import { isJsonObject } from "@/src/core/json/text";
import { mergeMetadata } from "@/src/core/records/file-metadata";
import { toReplay, writeStoredResponse } from "@/src/core/records/idempotency-key";
import type { FoundRecord, IdempotencyKey, ListRange, ReadScope, RecordStore, StoredRecord, WriteResult } from "@/src/core/records/ports";
import type { RecordBody } from "@/src/core/records/record-body";
import { requireSchemaMatch } from "@/src/core/records/schema-check";
import { createUniqueId } from "@/src/core/records/unique-id";
import type { Sandbox } from "@/src/core/sandbox";
import { AppError } from "@/src/shared/errors";
import type { PutStrategy, RecordKind } from "@/src/shared/streams/protocol";

/** On which condition a record is changed; a condition that fails wrote nothing. */
export interface WriteConditions {
  /** `version_conflict` unless this is its version (R7). */
  expectedVersion?: number | undefined;
  /** `access_denied` unless it belongs to this user (S2). */
  onlyOwner?: string | undefined;
}

/** The JSON Schema of the endpoint that is written to, as JSON text (R10); null: none. What does not match it is refused with `schema_mismatch`. */
export interface WriteSchema {
  schema: string | null;
  /** On whose behalf the schema is checked. */
  caller: CallerPath;
}

export interface NewRecords extends WriteSchema {
  endpointId: string;
  bodies: readonly RecordBody[];
  /** The bodies are the items of one array that was sent (R8): problems are told by their places in it. */
  inArray: boolean;
  /** Absent: the records belong to nobody. */
  owner?: string | undefined;
  /** Absent: the request may be carried out again and again. */
  once?: IdempotencyKey | undefined;
}

export interface Records {
  /** Stores a new record (R2), which belongs to `owner` (absent: to nobody). Raises what core/schema-check.ts raises. */
  create(request: WriteSchema & { endpointId: string; body: RecordBody; owner?: string | undefined }): Promise<StoredRecord>;
  /**
   * Stores a record for each body, in order: all or none. With `once` a request that was carried out before writes nothing, and answers what it answered then
   * (R9). Raises `idempotency_key_reused`, and what core/schema-check.ts raises.
   */
  createAll(request: NewRecords): Promise<{ records: StoredRecord[]; isReplay: boolean }>;
  /** The named records that exist and the scope sees, as pieces of JSON text, in creation order (R3). */
  readByIds(request: ReadScope & { endpointId: string; ids: readonly string[]; dataOnly: boolean }): AsyncIterable<string>;
  /** One record, or undefined when there is none. Raises `access_denied` when it is another user's than `onlyOwner`. */
  readOne(request: { endpointId: string; id: string; onlyOwner: string | undefined }): Promise<FoundRecord | undefined>;
  /** The version that a record has now; undefined: there is none. */
  findVersion(request: { endpointId: string; id: string }): Promise<number | undefined>;
  /** The records of a range, as pieces of JSON text without brackets (see RecordStore.readAll). */
  readAll(request: ListRange & { endpointId: string; dataOnly: boolean }): AsyncIterable<string>;
  /** The first `limit` records of a range likewise, and after which seq the next page begins; undefined: this is the last one. */
  readPage(
    request: Omit<ListRange, "upto"> & { endpointId: string; dataOnly: boolean; limit: number },
  ): Promise<{ pieces: AsyncIterable<string>; nextAfter: number | undefined }>;
  /**
   * Replaces or merges a record (R4). Raises `record_not_found`, `access_denied`, `version_conflict`, `type_mismatch`, `merge_needs_objects`, and
   * what core/schema-check.ts raises for the body, or for what a merge makes of it; then nothing was written.
   */
  update(
    request: WriteConditions & WriteSchema & { endpointId: string; id: string; strategy: PutStrategy; body: RecordBody },
  ): Promise<StoredRecord>;
  /** Deletes a record and answers its last state (R5). Raises `record_not_found`, `access_denied`, `version_conflict`. */
  remove(request: WriteConditions & { endpointId: string; id: string }): Promise<StoredRecord>;
}

/** `recordBytesMax` bounds what merges may make of a record, so that none grows without end; bodies are bounded where they are read. */
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

  async function createAll({ endpointId, schema, caller, bodies, inArray, owner, once }: NewRecords): ReturnType<Records["createAll"]> {
    // Before the schema, which may have changed since the first request.
    const before = once && (await store.findStoredResponse(endpointId, once));
    if (before) return toReplay(before);
    await requireSchemaMatch({ sandbox, schema, texts: bodies.map(({ data }) => data), inArray, caller });
    if (bodies.length === 0) return { records: [], isReplay: false };
    const writes = bodies.map((body) => ({ type: "POST" as const, id: createUniqueId(), ...body, owner }));
    if (!once) return { records: (await store.commit(endpointId, writes)).map(toRecord), isReplay: false };
    const result = await store.commitIdempotent(endpointId, once, writes, writeStoredResponse);
    if (result.outcome !== "written") return toReplay(result);
    return { records: result.results.map(toRecord), isReplay: false };
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
    async readPage({ endpointId, limit, dataOnly, ...range }) {
      const page = await store.findPage(endpointId, { ...range, limit });
      if (!page) return { pieces: noPieces(), nextAfter: undefined };
      const { firstSeq, lastSeq, hasMore } = page;
      // Records that are created meanwhile stand before the first one of a descending list.
      const after = range.after ?? (range.order === "desc" ? firstSeq + 1 : undefined);
      return { pieces: store.readAll(endpointId, { ...range, after, upto: lastSeq, dataOnly }), nextAfter: hasMore ? lastSeq : undefined };
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

async function* noPieces(): AsyncGenerator<string, void> {}

async function merge(current: { contentType: RecordKind; data: string }, patch: string, bytesMax: number): Promise<string> {
  const merged = await mergeTexts(current, patch);
  if (Buffer.byteLength(merged) > bytesMax) {
    throw new AppError("body_too_large", { detail: `The merged record would be larger than ${bytesMax} bytes.` });
  }
  return merged;
}

async function mergeTexts({ contentType, data }: { contentType: RecordKind; data: string }, patch: string): Promise<string> {
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
      // Deleted since its definition was read: as if it had been looked up a moment later.
      throw new AppError("endpoint_or_key_invalid", { internal: "the endpoint was deleted before the write" });
    case undefined:
      throw new AppError("internal_error", { internal: "the store returned no result" });
  }
}
