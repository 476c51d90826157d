/** The cursor of a stream (W9): how a place in an endpoint's log is written. Opaque to clients. Isomorphic; it must not do I/O. */

/** A place in the log: everything up to and including `seq` is behind it. 0: before the first change. */
export interface Cursor {
  /** 32 lowercase hex digits; renewed when the log is replaced. */
  epoch: string;
  seq: number;
}

const CURSOR = /^([0-9a-f]{32})-(0|[1-9][0-9]{0,15})$/;

/** An epoch without dashes, however it is stored: 32 lowercase hex digits. */
export function toEpoch(uuid: string): string {
  return uuid.replaceAll("-", "").toLowerCase();
}

/** `<epoch>-<seq>`. The epoch may have the dashes of a UUID. */
export function formatCursor({ epoch, seq }: Cursor): string {
  return `${toEpoch(epoch)}-${seq}`;
}

/** Reads what {@link formatCursor} writes, and nothing else; undefined for any other text. */
export function parseCursor(text: string): Cursor | undefined {
  const [, epoch, digits] = CURSOR.exec(text) ?? [];
  if (epoch === undefined || digits === undefined) return undefined;
  const seq = Number(digits);
  return Number.isSafeInteger(seq) ? { epoch, seq } : undefined;
}
