/** The cursor of a place in an endpoint's log, as a stream has it there (W9, W26). */
import type { ChangeLog } from "@/src/core/streams/ports";
import { formatCursor } from "@/src/shared/streams/cursor";

/** `seq`: default where the log stands. Without a proof where the log knows nothing of the change. */
export async function readCursor(changes: Pick<ChangeLog, "positions">, endpointId: string, seq?: number): Promise<string> {
  const position = (await changes.positions([endpointId], seq ? [{ endpointId, seq }] : [])).get(endpointId);
  if (!position) throw new Error("no such endpoint");
  const { epoch, proofs } = position;
  return formatCursor(seq === undefined ? position : { epoch, seq, proof: proofs.get(seq) });
}
