/** Writes records of an endpoint for its owner, by the rules and the door of the data plane (R2–R5, R7, L): its subscribers hear of it. */
import type { RecordStore, Sandbox, StoredRecord } from "@/src/core/ports";
import { parsePutStrategy } from "@/src/core/put-strategy";
import { parseContentKind, parseRecordBody, type RecordBody } from "@/src/core/record-body";
import { toRecordText } from "@/src/core/record-text";
import { createRecords } from "@/src/core/records";
import type { Users } from "@/src/core/users";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import { isUniqueId } from "@/src/shared/protocol";
import { type OwnTarget, requireOwnTarget } from "./require-own-target";

/** A body as it was sent. */
export interface SentBody {
  contentType: string | undefined;
  contentEncoding: string | undefined;
  bytes: Uint8Array;
}

/** `ifMatch`: the header of that name; null: there is none. */
export type OwnerWrite =
  | { type: "POST"; body: SentBody }
  | { type: "PUT"; uniqueId: string; strategy: string | null; ifMatch: string | null; body: SentBody }
  | { type: "DELETE"; uniqueId: string; ifMatch: string | null };

interface OwnerWriteRequest {
  db: Pick<Db, "endpoint">;
  store: RecordStore;
  sandbox: Pick<Sandbox, "validate">;
  users: Pick<Users, "register" | "update" | "remove">;
  /** Bounds what a merge may make of a record. */
  recordBytesMax: number;
  ownerId: string;
  endpointId: string;
  write: OwnerWrite;
}

/**
 * The record after the write as JSON text, and its version; of a deleted one as it was. At an authentication endpoint it is a user, by the rules of users as with the master key
 * (L). Raises `not_found` for the endpoint, `unique_id_invalid`, `parameter_invalid` for the strategy, and what the rules raise.
 */
export async function writeRecord({
  db,
  ownerId,
  endpointId,
  write,
  ...doors
}: OwnerWriteRequest): Promise<{ text: string; version: number }> {
  const target = await requireOwnTarget({ db, ownerId, endpointId });
  if (write.type !== "POST" && !isUniqueId(write.uniqueId)) throw new AppError("unique_id_invalid");
  const put = target.kind === "authentication" ? writeUser : writeData;
  const record = await put(doors, { ...target, endpointId }, write);
  return { text: toRecordText(record), version: record.version };
}

type Doors = Pick<OwnerWriteRequest, "store" | "sandbox" | "users" | "recordBytesMax">;
type Target = OwnTarget & { endpointId: string };

function writeData({ store, sandbox, recordBytesMax }: Doors, { endpointId, schema }: Target, write: OwnerWrite): Promise<StoredRecord> {
  const records = createRecords({ store, sandbox, recordBytesMax });
  switch (write.type) {
    case "POST":
      return records.create({ endpointId, schema, body: parseBody(write.body) });
    case "PUT": {
      const strategy = parsePutStrategy(write.strategy);
      const expectedVersion = parseVersion(write.ifMatch);
      return records.update({ endpointId, schema, id: write.uniqueId, strategy, body: parseBody(write.body), expectedVersion });
    }
    case "DELETE":
      return records.remove({ endpointId, id: write.uniqueId, expectedVersion: parseVersion(write.ifMatch) });
  }
}

function writeUser({ users }: Doors, site: Target, write: OwnerWrite): Promise<StoredRecord> {
  switch (write.type) {
    case "POST":
      return users.register({ site, body: parseBody(write.body) });
    case "PUT": {
      const strategy = parsePutStrategy(write.strategy);
      const expectedVersion = parseVersion(write.ifMatch);
      return users.update({ site, id: write.uniqueId, strategy, body: parseBody(write.body), expectedVersion, address: null });
    }
    case "DELETE":
      return users.remove({ site, id: write.uniqueId, expectedVersion: parseVersion(write.ifMatch) });
  }
}

/** The version that `If-Match` asks for, of which the grid sends one; undefined: any. A tag that no record ever has matches none. */
function parseVersion(ifMatch: string | null): number | undefined {
  if (ifMatch === null || ifMatch.trim() === "*") return undefined;
  const version = Number(/^\s*"([1-9]\d{0,8})"\s*$/.exec(ifMatch)?.[1]);
  if (!(version > 0))
    throw new AppError("version_conflict", { detail: 'If-Match names no version of this record. Send one ETag, like "3".' });
  return version;
}

function parseBody({ contentType, contentEncoding, bytes }: SentBody): RecordBody {
  return parseRecordBody({ kind: parseContentKind({ contentType, contentEncoding }), bytes });
}
