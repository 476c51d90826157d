/**
 * Seals the cursors of streams with a judge (W26). The proof of a change is computed from its record and its time. A caller who knows the id of a record could
 * therefore find out from a plain proof when that record changed, although a GET refuses it. A sealed proof tells nothing without the server's secret.
 */
import { createHmac } from "node:crypto";
import { type Cursor, toEpoch } from "@/src/shared/streams/cursor";
import type { StreamFormat } from "./stream-format";

/** Returns the same cursor with a sealed proof. A cursor without a proof, or with a sealed one, is returned as it is. All nodes of a deployment seal alike. */
export type SealCursor = (cursor: Cursor) => Cursor;

const MARK = "s";

/** `secret`: that of the deployment. */
export function createSealCursor(secret: string): SealCursor {
  const key = createHmac("sha256", secret).update("the cursors of streams").digest();
  return (cursor) => {
    const { epoch, seq, proof } = cursor;
    if (proof === undefined || isSealed(cursor)) return cursor;
    const sealed = createHmac("sha256", key)
      .update(`${toEpoch(epoch)} ${seq} ${proof}`)
      .digest("hex");
    return { epoch, seq, proof: MARK + sealed.slice(0, 8) };
  };
}

function isSealed({ proof }: Cursor): boolean {
  return proof?.startsWith(MARK) ?? false;
}

/**
 * The cursor of a client, as its stream uses it, and the proof that it is compared with; `known` is that of the change in the log. `seal` is undefined for streams
 * without a judge. If the endpoint got its first rules since, or lost them, the cursor is of the other form and is not compared: an answer to a plain proof that
 * the client made up would tell what a seal hides.
 */
export function toStartCursor(
  cursor: Cursor,
  known: string | undefined,
  seal: SealCursor | undefined,
): { cursor: Cursor; known: string | undefined } {
  const { epoch, seq, proof } = cursor;
  if (proof === undefined || isSealed(cursor) !== (seal !== undefined)) return { cursor: { epoch, seq }, known: undefined };
  return { cursor, known: seal ? seal({ epoch, seq, proof: known }).proof : known };
}

/** Returns the format with sealed cursors. Those of changes are sealed where these are encoded. */
export function sealFormat(format: StreamFormat, seal: SealCursor): StreamFormat {
  return {
    ...format,
    ready: (cursor) => format.ready(cursor && seal(cursor)),
    snapshot: (items, cursor) => format.snapshot(items, cursor && seal(cursor)),
    heartbeat: (cursor) => format.heartbeat(seal(cursor)),
    gap: ({ from, to, reason }) => format.gap({ from: seal(from), to: seal(to), reason }),
  };
}
