/** The cursor that a stream has at a position of an endpoint's log (W9, W26). */
import type { ChangeLog } from "@/src/core/streams/ports";
import { formatCursor } from "@/src/shared/streams/cursor";

/** `seq`: default is the end of the log. The cursor has no proof if the log does not have the change. */
export async function readCursor(changes: Pick<ChangeLog, "positions">, endpointId: string, seq?: number): Promise<string> {
  const position = (await changes.positions([endpointId], seq ? [{ endpointId, seq }] : [])).get(endpointId);
  if (!position) throw new Error("no such endpoint");
  const { epoch, proofs } = position;
  return formatCursor(seq === undefined ? position : { epoch, seq, proof: proofs.get(seq) });
}
