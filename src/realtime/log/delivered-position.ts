/** Tracks how far changes have been delivered, and whether that is in the middle of an upload. */
import type { LogPosition } from "@/src/core/streams/ports";
import type { EncodedChange } from "../wire/encode";

/** The place of the last change that was delivered. */
export interface DeliveredPosition extends LogPosition {
  /** Set in the middle of an upload: the place before it, where a stream stands that sends the upload as one message. */
  readonly beforeUpload?: LogPosition;
}

/** The position, or, in the middle of an upload, the place before the upload. */
export function toUploadBoundary(position: DeliveredPosition): LogPosition {
  return position.beforeUpload ?? position;
}

/** The position at `to` after `encoded`, which follow on `before`. Changes that a filter leaves out are not in `encoded`. */
export function advance(before: DeliveredPosition, encoded: readonly EncodedChange[], to: LogPosition): DeliveredPosition {
  const last = encoded.at(-1);
  const isInUpload = last === undefined ? before.beforeUpload !== undefined : last.change.remainingInUpload !== undefined;
  if (!isInUpload) return to;
  const lastComplete = encoded.findLast(({ change }) => change.remainingInUpload === undefined);
  return { ...to, beforeUpload: lastComplete?.position(to.epoch) ?? toUploadBoundary(before) };
}
