/** Writes records of an endpoint for its owner, by the rules and the door of the data plane (R2–R5): its subscribers hear of it. */
import type { StoredRecord } from "@/src/core/ports";
import type { RecordBody } from "@/src/core/record-body";
import type { Records } from "@/src/core/records";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import { isUniqueId, PUT_STRATEGIES, type PutStrategy } from "@/src/shared/protocol";
import { requireOwnEndpoint } from "./require-own-endpoint";

/** What to do; bodies as core/record-body.ts parses them. */
export type OwnerWrite =
  | { type: "POST"; body: RecordBody }
  | { type: "PUT"; uniqueId: string; strategy: PutStrategy; body: RecordBody }
  | { type: "DELETE"; uniqueId: string };

/** The record after the write; a deleted one as it was. Raises `not_found` for the endpoint, and what the rules raise. */
export async function writeRecord({
  db,
  records,
  ownerId,
  endpointId,
  write,
}: {
  db: Pick<Db, "endpoint">;
  records: Pick<Records, "create" | "update" | "remove">;
  ownerId: string;
  endpointId: string;
  write: OwnerWrite;
}): Promise<StoredRecord> {
  await requireOwnEndpoint({ db, ownerId, endpointId });
  if (write.type === "POST") return records.create({ endpointId, body: write.body });
  if (!isUniqueId(write.uniqueId)) throw new AppError("unique_id_invalid");
  if (write.type === "DELETE") return records.remove({ endpointId, id: write.uniqueId });
  return records.update({ endpointId, id: write.uniqueId, strategy: write.strategy, body: write.body });
}

/** The strategy of a PUT; absent: `force` (R4). Raises `parameter_invalid`. */
export function parseStrategy(text: string | null): PutStrategy {
  if (text === null) return "force";
  const strategy = PUT_STRATEGIES.find((known) => known === text);
  if (!strategy) throw new AppError("parameter_invalid", { detail: `The parameter “strategy” is one of: ${PUT_STRATEGIES.join(", ")}.` });
  return strategy;
}
