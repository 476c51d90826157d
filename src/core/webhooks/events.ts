/** The events that webhooks send: their ids, and their bodies as JSON text (H2, H3). */
import type { Change } from "@/src/core/records/ports";
import { toRecordText } from "@/src/core/records/record-text";
import { positionOf } from "@/src/core/streams/change-proof";
import type { LogMark } from "@/src/core/webhooks/ports";
import { formatCursor } from "@/src/shared/streams/cursor";
import type { GapReason } from "@/src/shared/streams/stream-messages";

/** A larger body is replaced by a notice with the id of the record, as on streams (W27). */
const BODY_BYTES_MAX = 1_048_576;

export interface WebhookEvent {
  id: string;
  body: string;
}

/**
 * The id of an event: its endpoint and its place in the endpoint's log, so it is the same on every node and at every try. The proof in it tells apart two
 * changes that have the same number before and after a restore. It contains no full stop, which separates the parts that are signed.
 */
function toEventId(endpointId: string, cursor: string, suffix = ""): string {
  return `${endpointId.replaceAll("-", "")}-${cursor}${suffix}`;
}

/** The event of a change. `epoch`: of the log that it was read from. */
export function toChangeEvent(change: Change, { endpointName, epoch }: { endpointName: string; epoch: string }): WebhookEvent {
  const cursor = formatCursor(positionOf(change, epoch));
  const id = toEventId(change.endpointId, cursor);
  const { type, at, record } = change;
  // `data` is inserted as stored: parsing it would lose the order of keys and the digits of numbers (R1).
  const head = `"timestamp":"${at}","endpoint":${JSON.stringify(endpointName)}`;
  const body = `{"type":"${type}",${head},"record":${toRecordText(record)},"cursor":"${cursor}"}`;
  const size = Buffer.byteLength(body);
  if (size <= BODY_BYTES_MAX) return { id, body };
  const notice = `"change":"${type}","uniqueId":"${record.id}","version":${record.version},"size":${size}`;
  return { id, body: `{"type":"OMITTED",${head},${notice},"cursor":"${cursor}"}` };
}

/** The event that says that the changes between two places cannot be delivered. */
export function toGapEvent(gap: {
  endpointId: string;
  endpointName: string;
  from: LogMark;
  to: LogMark;
  reason: GapReason | "endpoint_deleted";
  at: Date;
}): WebhookEvent {
  const cursor = formatCursor(gap.to);
  const { reason, endpointName: endpoint } = gap;
  const body = JSON.stringify({
    type: "GAP",
    timestamp: gap.at.toISOString(),
    endpoint,
    from: formatCursor(gap.from),
    to: cursor,
    reason,
    cursor,
  });
  return { id: toEventId(gap.endpointId, cursor, "-gap"), body };
}
