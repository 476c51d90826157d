/** The cursor of a stream (W9): how a place in an endpoint's log is written. Opaque to clients. Isomorphic; it must not do I/O. */

/** A place in the log: everything up to and including `seq` is behind it. 0: before the first change. */
export interface Cursor {
  /** 32 lowercase hex digits; renewed when the log is replaced. */
  epoch: string;
  seq: number;
  /** 8 hex digits that identify the change at `seq` (W26). Undefined: at 0, where the change is no longer known, and in cursors of older versions. */
  proof?: string | undefined;
}

const CURSOR = /^([0-9a-f]{32})-(0|[1-9][0-9]{0,15})(?:-([0-9a-f]{8}))?$/;

/** An epoch without dashes, however it is stored: 32 lowercase hex digits. */
export function toEpoch(uuid: string): string {
  return uuid.replaceAll("-", "").toLowerCase();
}

/** `<epoch>-<seq>-<proof>`, or `<epoch>-<seq>` without a proof. The epoch may have the dashes of a UUID. */
export function formatCursor({ epoch, seq, proof }: Cursor): string {
  return proof === undefined ? `${toEpoch(epoch)}-${seq}` : `${toEpoch(epoch)}-${seq}-${proof}`;
}

/** Reads what {@link formatCursor} writes, and nothing else; undefined for any other text. */
export function parseCursor(text: string): Cursor | undefined {
  const [, epoch, digits, proof] = CURSOR.exec(text) ?? [];
  if (epoch === undefined || digits === undefined) return undefined;
  const seq = Number(digits);
  // Nothing comes before the first change, so there is nothing to prove.
  if (!Number.isSafeInteger(seq) || (seq === 0 && proof !== undefined)) return undefined;
  return proof === undefined ? { epoch, seq } : { epoch, seq, proof };
}
