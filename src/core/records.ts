/** The rules of records (R2–R5): what a create, read, update and delete does. It must not know transports, nor check access (access.ts does). */
import { mergeJsonObjects } from "@/src/core/json-merge";
import { isJsonObject } from "@/src/core/json-text";
import type { ReadScope, RecordStore, Sandbox, StoredRecord, WriteResult } from "@/src/core/ports";
import type { RecordBody } from "@/src/core/record-body";
import { requireSchemaMatch } from "@/src/core/schema-check";
import { createUniqueId } from "@/src/core/unique-id";
import { AppError } from "@/src/shared/errors";
import type { PutStrategy, RecordKind } from "@/src/shared/protocol";

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
}

export interface Records {
  /** Stores a new record (R2), which belongs to `owner` (absent: to nobody). Raises what core/schema-check.ts raises. */
  create(request: WriteSchema & { endpointId: string; body: RecordBody; owner?: string | undefined }): Promise<StoredRecord>;
  /** The named records that exist and the scope sees, as pieces of JSON text, in creation order (R3). */
  readByIds(request: ReadScope & { endpointId: string; ids: readonly string[]; dataOnly: boolean }): AsyncIterable<string>;
  /** Every record that the scope sees, in creation order, as pieces of JSON text without brackets (see RecordStore.readAll). */
  readAll(request: ReadScope & { endpointId: string; dataOnly: boolean }): AsyncIterable<string>;
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
  const requireMatch = (endpointId: string, schema: string | null, text: string) =>
    requireSchemaMatch({ sandbox, schema, texts: [text], group: endpointId });

  return {
    async create({ endpointId, schema, body, owner }) {
      await requireMatch(endpointId, schema, body.data);
      const [result] = await store.commit(endpointId, [{ type: "POST", id: createUniqueId(), ...body, owner }]);
      return toRecord(result);
    },
    readByIds({ endpointId, ids, ...options }) {
      return store.readByIds(endpointId, ids, options);
    },
    readAll({ endpointId, ...options }) {
      return store.readAll(endpointId, options);
    },
    async update({ endpointId, schema, id, strategy, body, ...conditions }) {
      switch (strategy) {
        case "force":
        case "replace": {
          await requireMatch(endpointId, schema, body.data);
          const write = { type: "PUT", id, ...body, sameType: strategy === "replace", ...conditions } as const;
          const [result] = await store.commit(endpointId, [write]);
          return toRecord(result);
        }
        case "merge": {
          if (body.contentType !== "json" || !isJsonObject(body.data)) throw new AppError("merge_needs_objects");
          const check = schema === null ? undefined : (merged: string) => requireMatch(endpointId, schema, merged);
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

function merge(current: { contentType: RecordKind; data: string }, patch: string, bytesMax: number): string {
  if (current.contentType !== "json" || !isJsonObject(current.data)) throw new AppError("merge_needs_objects");
  const merged = mergeJsonObjects(current.data, patch);
  if (Buffer.byteLength(merged) > bytesMax) {
    throw new AppError("body_too_large", { detail: `The merged record would be larger than ${bytesMax} bytes.` });
  }
  return merged;
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
      throw new AppError("internal_error", { internal: "the store answered no result" });
  }
}
