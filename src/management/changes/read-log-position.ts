/** Reads where an endpoint's log stands, for pages from which a stream goes on (W9). */
import type { ChangeLog, LogPosition } from "@/src/core/streams/ports";
import { AppError } from "@/src/shared/errors";

/** Read it before the page: what the page lacks is then after it. Throws `not_found` where the endpoint was deleted meanwhile. */
export async function readLogPosition(changes: Pick<ChangeLog, "positions">, endpointId: string): Promise<LogPosition> {
  const position = (await changes.positions([endpointId])).get(endpointId);
  if (position === undefined) throw new AppError("not_found");
  return position;
}
