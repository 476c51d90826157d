/** The cursor of a list (R3): formats and parses a position in the records of an endpoint. Opaque to clients. */
import { createHash } from "node:crypto";
import type { ListRange } from "@/src/core/records/ports";
import { AppError } from "@/src/shared/errors";

export type ListOrder = NonNullable<ListRange["order"]>;

/** A position in a list of one endpoint. The next page starts after the record with this seq. */
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
 * Parses what {@link formatPageCursor} wrote for this endpoint. `order`: the requested order, if any. Throws `parameter_invalid` for any other text,
 * and for a cursor of another endpoint or of the other order.
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

/** Detects a cursor of another endpoint, where it would mean another position. Not a secret. */
function toMark(endpointId: string): string {
  return createHash("sha256").update(endpointId).digest("base64url").slice(0, 8);
}
