/** The rules of records (R2–R5): what a create, read, update and delete does. It must not know transports, nor check access (access.ts does). */
import { mergeJsonObjects } from "@/src/core/json-merge";
import { isJsonObject } from "@/src/core/json-text";
import type { RecordStore, StoredRecord, WriteResult } from "@/src/core/ports";
import type { RecordBody } from "@/src/core/record-body";
import { createUniqueId } from "@/src/core/unique-id";
import { AppError } from "@/src/shared/errors";
import type { PutStrategy } from "@/src/shared/protocol";

export interface Records {
  /** Stores a new record (R2). */
  create(request: { endpointId: string; body: RecordBody }): Promise<StoredRecord>;
  /** The named records that exist, as pieces of JSON text, in creation order (R3). */
  readByIds(request: { endpointId: string; ids: readonly string[]; dataOnly: boolean }): AsyncIterable<string>;
  /** Every record in creation order, as pieces of JSON text without brackets (see RecordStore.readAll). */
  readAll(request: { endpointId: string; dataOnly: boolean }): AsyncIterable<string>;
  /** Replaces or merges a record (R4). Raises `record_not_found`, `type_mismatch`, `merge_needs_objects`; then nothing was written. */
  update(request: { endpointId: string; id: string; strategy: PutStrategy; body: RecordBody }): Promise<StoredRecord>;
  /** Deletes a record and answers its last state (R5). Raises `record_not_found`. */
  remove(request: { endpointId: string; id: string }): Promise<StoredRecord>;
}

/** `recordBytesMax` bounds what merges may make of a record, so that none grows without end; bodies are bounded where they are read. */
export function createRecords({ store, recordBytesMax }: { store: RecordStore; recordBytesMax: number }): Records {
  return {
    async create({ endpointId, body }) {
      const [result] = await store.commit(endpointId, [{ type: "POST", id: createUniqueId(), ...body }]);
      return toRecord(result);
    },
    readByIds({ endpointId, ids, dataOnly }) {
      return store.readByIds(endpointId, ids, { dataOnly });
    },
    readAll({ endpointId, dataOnly }) {
      return store.readAll(endpointId, { dataOnly });
    },
    async update({ endpointId, id, strategy, body }) {
      switch (strategy) {
        case "force":
        case "replace": {
          const [result] = await store.commit(endpointId, [{ type: "PUT", id, ...body, sameType: strategy === "replace" }]);
          return toRecord(result);
        }
        case "merge":
          if (body.contentType !== "json" || !isJsonObject(body.data)) throw new AppError("merge_needs_objects");
          return toRecord(await store.merge(endpointId, id, (current) => merge(current, body.data, recordBytesMax)));
      }
    },
    async remove({ endpointId, id }) {
      const [result] = await store.commit(endpointId, [{ type: "DELETE", id }]);
      return toRecord(result);
    },
  };
}

function merge(current: RecordBody, patch: string, bytesMax: number): string {
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
