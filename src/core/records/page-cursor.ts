/** The cursor of a list (R3): how a place in an endpoint's records is written. Opaque to clients. It must not do I/O. */
import { createHash } from "node:crypto";
import type { ListRange } from "@/src/core/records/ports";
import { AppError } from "@/src/shared/errors";

export type ListOrder = NonNullable<ListRange["order"]>;

/** A place in a list of one endpoint: everything up to and including the record with this seq is behind it. */
export interface PageCursor {
  endpointId: string;
  order: ListOrder;
  seq: number;
}

const CURSOR = /^([ad])([\w-]{8})([0-9a-z]{1,11})$/;
const LETTERS = { asc: "a", desc: "d" } as const;

export function formatPageCursor({ endpointId, order, seq }: PageCursor): string {
  return `${LETTERS[order]}${toMark(endpointId)}${seq.toString(36)}`;
}

/**
 * Reads what {@link formatPageCursor} wrote for this endpoint. `order`: the one that is asked for, if any. Raises `parameter_invalid` for any other
 * text, a cursor of another endpoint, and one of a list in the other order.
 */
export function parsePageCursor(
  text: string,
  { endpointId, order }: { endpointId: string; order: ListOrder | undefined },
): Omit<PageCursor, "endpointId"> {
  const [, letter, mark, digits = ""] = CURSOR.exec(text) ?? [];
  const seq = Number.parseInt(digits, 36);
  if (mark !== toMark(endpointId) || !Number.isSafeInteger(seq)) {
    throw new AppError("parameter_invalid", { detail: "The cursor is not valid. Use one from a Link header of this endpoint." });
  }
  const own = letter === LETTERS.asc ? "asc" : "desc";
  if (order !== undefined && order !== own) {
    throw new AppError("parameter_invalid", {
      detail: `The cursor belongs to a list with order=${own}. To read in the other order, start over without a cursor.`,
    });
  }
  return { order: own, seq };
}

/** Tells a cursor of another endpoint, where it would mean another place. No secret. */
function toMark(endpointId: string): string {
  return createHash("sha256").update(endpointId).digest("base64url").slice(0, 8);
}
