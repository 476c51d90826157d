/** Tracks how far changes have been delivered, and whether that is in the middle of an upload. */
import type { LogPosition } from "@/src/core/streams/ports";
import type { EncodedChange } from "../wire/encode";

/** The place of the last change that was delivered. */
export interface DeliveredPosition extends LogPosition {
  /** Set in the middle of an upload: the place before the upload. Streams that send an upload as one message stay there until it is complete. */
  readonly beforeUpload?: LogPosition;
}

/** Returns the position, or the place before the upload if the position is in the middle of one. */
export function toUploadBoundary(position: DeliveredPosition): LogPosition {
  return position.beforeUpload ?? position;
}

/** Returns the position at `to`, after the changes in `encoded`, which follow `before`. Changes that a filter leaves out are not in `encoded`. */
export function advance(before: DeliveredPosition, encoded: readonly EncodedChange[], to: LogPosition): DeliveredPosition {
  const last = encoded.at(-1);
  const isInUpload = last === undefined ? before.beforeUpload !== undefined : last.change.remainingInUpload !== undefined;
  if (!isInUpload) return to;
  const lastComplete = encoded.findLast(({ change }) => change.remainingInUpload === undefined);
  return { ...to, beforeUpload: lastComplete?.position(to.epoch) ?? toUploadBoundary(before) };
}
