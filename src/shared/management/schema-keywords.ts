/** The keywords of JSON Schema that describe (G5) schemas whose checks are functions. They apply to the trimmed value. */
import * as z from "zod/mini";

export const schemaKeywords = z.registry<Record<string, unknown>>();
