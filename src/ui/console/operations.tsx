/** How operations look: a glyph, a word, a colour that repeats what they say. */
import type { Operation } from "./event-filter";

export const OPERATION_LOOKS: Readonly<Record<Operation, { glyph: string; colour: string }>> = {
  create: { glyph: "+", colour: "text-create" },
  update: { glyph: "~", colour: "text-update" },
  delete: { glyph: "−", colour: "text-delete" },
};

export function OperationMark({ operation, short = false }: { operation: Operation; short?: boolean }) {
  const { glyph, colour } = OPERATION_LOOKS[operation];
  return (
    <span className={colour}>
      {glyph}
      <span className={short ? "sr-only" : "max-sm:sr-only"}> {operation}</span>
    </span>
  );
}
