/** Writes records of an endpoint for its owner. The data plane's rules apply (R2–R5, R7, L), and subscribers are notified. */
import { type CallerPath, toOwnerPath } from "@/src/core/access/caller-path";
import { parseIfMatch, writeIfMatch } from "@/src/core/http/entity-tag";
import type { MaybePromise } from "@/src/core/maybe-promise";
import { parsePutStrategy } from "@/src/core/records/parameters";
import type { RecordStore, StoredRecord } from "@/src/core/records/ports";
import { parseContentKind, parseRecordBody, type RecordBody } from "@/src/core/records/record-body";
import { toRecordText } from "@/src/core/records/record-text";
import { createRecords, type Records } from "@/src/core/records/records";
import type { Sandbox } from "@/src/core/sandbox";
import type { Users } from "@/src/core/users/users";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import { isUniqueId, type PutStrategy } from "@/src/shared/streams/protocol";
import { type OwnTarget, requireOwnTarget } from "../ownership";

/** The body, inflated. */
export interface SentBody {
  contentType: string | undefined;
  bytes: Uint8Array;
}

/** `ifMatch` is the If-Match header, or null. */
export type OwnerWrite =
  | { type: "POST"; body: SentBody }
  | { type: "PUT"; uniqueId: string; strategy: string | null; ifMatch: string | null; body: SentBody }
  | { type: "DELETE"; uniqueId: string; ifMatch: string | null };

interface OwnerWriteRequest {
  db: Pick<Db, "endpoint">;
  store: RecordStore;
  sandbox: Pick<Sandbox, "validate">;
  users: Pick<Users, "register" | "update" | "remove">;
  /** The maximum size of a record after a merge. */
  recordBytesMax: number;
  ownerId: string;
  endpointId: string;
  write: OwnerWrite;
}

/**
 * Returns the record after the write as JSON text, and its version; a deleted record in its last state. At an authentication endpoint the record is a
 * user, and the rules of users apply as with the master key (L). Throws `not_found` for the endpoint, `unique_id_invalid`, `parameter_invalid` for the
 * strategy, and the errors of the rules.
 */
export async function writeRecord(request: OwnerWriteRequest): Promise<{ text: string; version: number }> {
  const { db, store, sandbox, users, recordBytesMax, ownerId, endpointId, write } = request;
  const target = await requireOwnTarget({ db, ownerId, endpointId });
  const endpoint = { ...target, endpointId, caller: toOwnerPath(ownerId, target.projectId) };
  if (write.type !== "POST" && !isUniqueId(write.uniqueId)) throw new AppError("unique_id_invalid");
  if (endpoint.kind === "email" && write.type !== "DELETE") throw createEmailOnlyError();
  const records = createRecords({ store, sandbox, recordBytesMax });
  const writer = endpoint.kind === "authentication" ? toUserWriter(users, endpoint) : toRecordWriter(records, endpoint);
  const record = await put({ writer, records, endpointId, write });
  return { text: toRecordText(record), version: record.version };
}

/** Mails are written by sending them, so that no record shows a mail that was never sent. */
function createEmailOnlyError(): AppError {
  return new AppError("method_not_allowed", {
    detail: "Records of e-mail endpoints are written by sending mails: POST to the endpoint itself.",
  });
}

/** The three kinds of write at an endpoint. */
interface Writer {
  create(body: RecordBody): Promise<StoredRecord>;
  update(change: Change): Promise<StoredRecord>;
  remove(removal: Removal): Promise<StoredRecord>;
}

interface Removal {
  id: string;
  expectedVersion: number | undefined;
}

interface Change extends Removal {
  strategy: PutStrategy;
  body: RecordBody;
}

type Target = OwnTarget & { endpointId: string; caller: CallerPath };

function toRecordWriter(records: Records, { endpointId, schema, caller }: Target): Writer {
  return {
    create: (body) => records.create({ endpointId, schema, caller, body }),
    update: (change) => records.update({ endpointId, schema, caller, ...change }),
    remove: (removal) => records.remove({ endpointId, ...removal }),
  };
}

function toUserWriter(users: OwnerWriteRequest["users"], endpoint: Target): Writer {
  return {
    create: (body) => users.register({ endpoint, body, caller: endpoint.caller, address: null, isTrusted: true }),
    update: (change) => users.update({ endpoint, ...change, caller: endpoint.caller, address: null }),
    remove: (removal) => users.remove({ endpoint, ...removal }),
  };
}

async function put({
  writer,
  records,
  endpointId,
  write,
}: {
  writer: Writer;
  records: Pick<Records, "findVersion">;
  endpointId: string;
  write: OwnerWrite;
}): Promise<StoredRecord> {
  if (write.type === "POST") return writer.create(await parseBody(write.body));
  const { uniqueId: id, ifMatch } = write;
  const onCondition = (act: (expectedVersion: number | undefined) => Promise<StoredRecord>) =>
    writeIfMatch({ versions: parseIfMatch(ifMatch ?? undefined), readVersion: () => records.findVersion({ endpointId, id }), write: act });
  if (write.type === "DELETE") return onCondition((expectedVersion) => writer.remove({ id, expectedVersion }));
  const strategy = parsePutStrategy(write.strategy);
  const body = await parseBody(write.body);
  return onCondition((expectedVersion) => writer.update({ id, strategy, body, expectedVersion }));
}

function parseBody({ contentType, bytes }: SentBody): MaybePromise<RecordBody> {
  return parseRecordBody({ kind: parseContentKind(contentType), bytes });
}
