/** The messages between the server and its sandbox workers, as types and schemas. */
import * as z from "zod/mini";

export type WorkerKind = "jsonata" | "schema";

/** The settings of a worker, as JSON in its first argument. */
export const workerSettingsSchema = z.strictObject({
  kind: z.enum(["jsonata", "schema"]),
  timeoutMs: z.number(),
  memoryBytesMax: z.number(),
  /** The most bytes that an expression may return. */
  resultBytesMax: z.number(),
});
export type WorkerSettings = z.infer<typeof workerSettingsSchema>;

const jobSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("evaluate"), expression: z.string(), input: z.string() }),
  z.strictObject({ kind: z.literal("filter"), expression: z.string(), inputs: z.array(z.string()) }),
  z.strictObject({ kind: z.literal("validate"), schema: z.string(), bodies: z.array(z.string()) }),
  z.strictObject({ kind: z.literal("check_schema"), schema: z.string() }),
]);
export type Job = z.infer<typeof jobSchema>;

/** `id` cannot be guessed before the job arrives, and is sent back with the answer: a message that an earlier job left behind is not taken for an answer. */
export const orderSchema = z.strictObject({ id: z.string(), job: jobSchema });
export type Order = z.infer<typeof orderSchema>;

/** The limit that a job exceeded. `depth`: of nesting or recursion. */
const limit = z.enum(["time", "memory", "depth", "output"]);
export type Limit = z.infer<typeof limit>;

export const answerSchema = z.discriminatedUnion("outcome", [
  /** The result of `evaluate`, as JSON text. */
  z.strictObject({ outcome: z.literal("text"), text: z.string() }),
  /** The results of `filter` for its first inputs; at least one, if there are inputs. */
  z.strictObject({ outcome: z.literal("verdicts"), verdicts: z.array(z.boolean()) }),
  /** The expression selects nothing, the bodies match, or the schema is valid. */
  z.strictObject({ outcome: z.literal("nothing") }),
  /** The result of `validate`. */
  z.strictObject({ outcome: z.literal("mismatch"), index: z.number(), problems: z.record(z.string(), z.string()) }),
  /** The problem of the expression or the schema. `position`: a character index in the expression. */
  z.strictObject({ outcome: z.literal("invalid"), message: z.string(), position: z.optional(z.number()) }),
  z.strictObject({ outcome: z.literal("limit"), limit }),
  /** The job did not get its CPU time, because the machine is too busy. */
  z.strictObject({ outcome: z.literal("starved") }),
]);
export type Answer = z.infer<typeof answerSchema>;

/** `ready`: the worker can take a job. `begun`: it has received one. This tells a job that was lost with its worker from one that killed it. */
export const reportSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("ready") }),
  z.strictObject({ type: z.literal("begun"), id: z.string() }),
  z.strictObject({ type: z.literal("answer"), id: z.string(), answer: answerSchema }),
]);
export type Report = z.infer<typeof reportSchema>;
