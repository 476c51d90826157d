/** The messages between the server and an import worker. Types and schemas only. */
import * as z from "zod/mini";
import { IMPORT_KINDS } from "./import-kind";

/** The options of a worker, passed as JSON in its first argument. The file is its standard input. */
export const importSettingsSchema = z.strictObject({
  kind: z.enum([...IMPORT_KINDS, "any"]),
  charset: z.optional(z.strictObject({ name: z.string(), from: z.enum(["parameter", "content-type"]) })),
  mayGuess: z.boolean(),
  recordBytesMax: z.number(),
  cpuMsMax: z.number(),
});
export type ImportSettings = z.infer<typeof importSettingsSchema>;

/** The server sends `next` to request one report, so nothing accumulates in between. */
export const NEXT = "next";

export const importReportSchema = z.discriminatedUnion("type", [
  /** Records in the order of the file: their JSON text, and the line where each starts. */
  z.strictObject({ type: z.literal("batch"), data: z.array(z.string()), lines: z.array(z.number()) }),
  /** The file's encoding. */
  z.strictObject({ type: z.literal("end"), name: z.string(), isGuess: z.boolean() }),
  /** The file is rejected. */
  z.strictObject({
    type: z.literal("refused"),
    code: z.enum(["body_empty", "body_invalid", "body_too_large"]),
    detail: z.string(),
  }),
  /** An internal error. */
  z.strictObject({ type: z.literal("failed"), message: z.string() }),
]);
export type ImportReport = z.infer<typeof importReportSchema>;
