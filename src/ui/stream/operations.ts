/** How operations look: a glyph, and a colour that repeats what the word says. */
import type { Operation } from "../console/engine/event-filter";

export const OPERATION_LOOKS: Readonly<Record<Operation, { glyph: string; colour: string }>> = {
  create: { glyph: "+", colour: "text-create" },
  update: { glyph: "~", colour: "text-update" },
  delete: { glyph: "−", colour: "text-delete" },
};
