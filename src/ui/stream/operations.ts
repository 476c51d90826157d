/** The operations of changes: their names, and how each is displayed. */

export const OPERATIONS = ["create", "update", "delete"] as const;
export type Operation = (typeof OPERATIONS)[number];

/** A glyph, and a colour that repeats what the word says. */
export const OPERATION_STYLES: Readonly<Record<Operation, { glyph: string; colour: string }>> = {
  create: { glyph: "+", colour: "text-create" },
  update: { glyph: "~", colour: "text-update" },
  delete: { glyph: "−", colour: "text-delete" },
};
