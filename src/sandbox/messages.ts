/** What the server and its sandbox workers say to each other. Types and schemas only. */
import * as z from "zod/mini";

export type WorkerKind = "jsonata" | "schema";

/** What a worker is started with, as JSON in its first argument. */
export const workerSettingsSchema = z.strictObject({
  kind: z.enum(["jsonata", "schema"]),
  timeoutMs: z.number(),
  memoryBytesMax: z.number(),
  /** Of what an expression answers. */
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

/** `id`: unguessable before the job comes, and sent back with its answer: what a job leaves to say later is no answer to the next. */
export const orderSchema = z.strictObject({ id: z.string(), job: jobSchema });
export type Order = z.infer<typeof orderSchema>;

/** Which limit a job met. `depth`: of nesting or recursion. */
const limit = z.enum(["time", "memory", "depth", "output"]);
export type Limit = z.infer<typeof limit>;

export const answerSchema = z.discriminatedUnion("outcome", [
  /** Of `evaluate`: JSON text. */
  z.strictObject({ outcome: z.literal("text"), text: z.string() }),
  /** Of `filter`: of its first inputs, at least one where there are any. */
  z.strictObject({ outcome: z.literal("verdicts"), verdicts: z.array(z.boolean()) }),
  /** The expression selects nothing; the bodies match; nothing is wrong with the schema. */
  z.strictObject({ outcome: z.literal("nothing") }),
  /** Of `validate`. */
  z.strictObject({ outcome: z.literal("mismatch"), index: z.number(), problems: z.record(z.string(), z.string()) }),
  /** What is wrong with the expression or the schema. `position`: a character of the expression. */
  z.strictObject({ outcome: z.literal("invalid"), message: z.string(), position: z.optional(z.number()) }),
  z.strictObject({ outcome: z.literal("limit"), limit }),
  /** It was not given the time that it may have: the machine is too busy. */
  z.strictObject({ outcome: z.literal("starved") }),
]);
export type Answer = z.infer<typeof answerSchema>;

/** `ready`: it takes a job. `begun`: it has got one, so that one that was lost with its worker can be told from one that killed it. */
export const reportSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("ready") }),
  z.strictObject({ type: z.literal("begun"), id: z.string() }),
  z.strictObject({ type: z.literal("answer"), id: z.string(), answer: answerSchema }),
]);
export type Report = z.infer<typeof reportSchema>;
