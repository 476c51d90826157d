/** Writes records of an endpoint for its owner, by the rules and the door of the data plane (R2–R5): its subscribers hear of it. */
import type { RecordStore } from "@/src/core/ports";
import { parsePutStrategy } from "@/src/core/put-strategy";
import { parseContentKind, parseRecordBody, type RecordBody } from "@/src/core/record-body";
import { toRecordText } from "@/src/core/record-text";
import { createRecords } from "@/src/core/records";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import { isUniqueId } from "@/src/shared/protocol";
import { requireOwnEndpoint } from "./require-own-endpoint";

/** A body as it was sent. */
export interface SentBody {
  contentType: string | undefined;
  contentEncoding: string | undefined;
  bytes: Uint8Array;
}

export type OwnerWrite =
  | { type: "POST"; body: SentBody }
  | { type: "PUT"; uniqueId: string; strategy: string | null; body: SentBody }
  | { type: "DELETE"; uniqueId: string };

/**
 * The JSON text of the record after the write; of a deleted one as it was. `recordBytesMax` bounds what a merge may make of it.
 * Raises `not_found` for the endpoint, `unique_id_invalid`, `parameter_invalid` for the strategy, and what the rules raise.
 */
export async function writeRecord({
  db,
  store,
  recordBytesMax,
  ownerId,
  endpointId,
  write,
}: {
  db: Pick<Db, "endpoint">;
  store: RecordStore;
  recordBytesMax: number;
  ownerId: string;
  endpointId: string;
  write: OwnerWrite;
}): Promise<string> {
  await requireOwnEndpoint({ db, ownerId, endpointId });
  if (write.type !== "POST" && !isUniqueId(write.uniqueId)) throw new AppError("unique_id_invalid");
  const records = createRecords({ store, recordBytesMax });
  switch (write.type) {
    case "POST":
      return toRecordText(await records.create({ endpointId, body: parseBody(write.body) }));
    case "PUT": {
      const strategy = parsePutStrategy(write.strategy);
      return toRecordText(await records.update({ endpointId, id: write.uniqueId, strategy, body: parseBody(write.body) }));
    }
    case "DELETE":
      return toRecordText(await records.remove({ endpointId, id: write.uniqueId }));
  }
}

function parseBody({ contentType, contentEncoding, bytes }: SentBody): RecordBody {
  return parseRecordBody({ kind: parseContentKind({ contentType, contentEncoding }), bytes });
}
