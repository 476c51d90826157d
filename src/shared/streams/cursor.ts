/** The cursor of a stream (W9): formats and parses a position in an endpoint's log. Opaque to clients. */

/** A position in the log. The stream continues after `seq`. 0: before the first change. */
export interface Cursor {
  /** 32 lowercase hex digits. Renewed when the log is replaced. */
  epoch: string;
  seq: number;
  /** 8 hex digits that identify the change at `seq` (W26), with a leading `s` if they are sealed (realtime/wire/sealed-cursors.ts). Undefined: at 0, if the change is no longer known, and in cursors of older versions. */
  proof?: string | undefined;
}

const CURSOR = /^([0-9a-f]{32})-(0|[1-9][0-9]{0,15})(?:-(s?[0-9a-f]{8}))?$/;

/** Returns the epoch as 32 lowercase hex digits, whether or not it is stored with dashes. */
export function toEpoch(uuid: string): string {
  return uuid.replaceAll("-", "").toLowerCase();
}

/** Formats `<epoch>-<seq>-<proof>`, or `<epoch>-<seq>` without a proof. The epoch may have the dashes of a UUID. */
export function formatCursor({ epoch, seq, proof }: Cursor): string {
  // Nearly always there are no dashes, and cursors are formatted for every change.
  const digits = epoch.length === 32 ? epoch : toEpoch(epoch);
  return proof === undefined ? `${digits}-${seq}` : `${digits}-${seq}-${proof}`;
}

/** Parses what {@link formatCursor} returns. Undefined for any other text. */
export function parseCursor(text: string): Cursor | undefined {
  const [, epoch, digits, proof] = CURSOR.exec(text) ?? [];
  if (epoch === undefined || digits === undefined) return undefined;
  const seq = Number(digits);
  // No change comes before the first one, so there is nothing to prove.
  if (!Number.isSafeInteger(seq) || (seq === 0 && proof !== undefined)) return undefined;
  return proof === undefined ? { epoch, seq } : { epoch, seq, proof };
}
