/** The messages between the server and its sandbox workers, as types and schemas. */
import * as z from "zod/mini";
import { FUNCTION_FIND_LENGTH_MAX, FUNCTION_FINDS_MAX, FUNCTION_REASON_LENGTH_MAX } from "@/src/core/access-functions/limits";
import { MESSAGE_LENGTH_MAX } from "./limits";

export type WorkerKind = "jsonata" | "schema" | "function";

/** The settings of a worker, as JSON in its first argument. */
export const workerSettingsSchema = z.strictObject({
  kind: z.enum(["jsonata", "schema", "function"]),
  timeoutMs: z.number(),
  memoryBytesMax: z.number(),
  /** The maximum size of an expression's result. */
  resultBytesMax: z.number(),
});
export type WorkerSettings = z.infer<typeof workerSettingsSchema>;

const jobSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("evaluate"), expression: z.string(), input: z.string() }),
  z.strictObject({ kind: z.literal("filter"), expression: z.string(), inputs: z.array(z.string()) }),
  z.strictObject({ kind: z.literal("validate"), schema: z.string(), bodies: z.array(z.string()) }),
  z.strictObject({ kind: z.literal("check_schema"), schema: z.string() }),
  z.strictObject({ kind: z.literal("check_function"), source: z.string() }),
  /** See FunctionRequest in src/core/sandbox.ts. */
  z.strictObject({
    kind: z.literal("judge"),
    source: z.string(),
    common: z.string(),
    cases: z.array(z.strictObject({ operation: z.string(), record: z.string(), input: z.string() })),
    found: z.array(z.tuple([z.string(), z.string()])),
  }),
]);
export type Job = z.infer<typeof jobSchema>;

/** Sends a job to a worker. `id` is random and returned with the answer, so that an earlier job cannot leave a message that counts as the answer. */
export const jobMessageSchema = z.strictObject({ id: z.string(), job: jobSchema });
export type JobMessage = z.infer<typeof jobMessageSchema>;

/** The limit that a job exceeded. `depth` is the depth of nesting or recursion. */
const limit = z.enum(["time", "memory", "depth", "output"]);
export type Limit = z.infer<typeof limit>;

/** See FunctionJudgement in src/core/sandbox.ts. */
const judgementSchema = z.discriminatedUnion("outcome", [
  z.strictObject({
    outcome: z.literal("verdict"),
    allow: z.boolean(),
    reason: z.optional(z.string().check(z.maxLength(FUNCTION_REASON_LENGTH_MAX))),
  }),
  z.strictObject({
    outcome: z.literal("failed"),
    cause: z.enum(["exception", "type", "pending", "source", "time", "memory", "depth", "output"]),
    message: z.optional(z.string().check(z.maxLength(MESSAGE_LENGTH_MAX))),
    line: z.optional(z.number()),
    column: z.optional(z.number()),
  }),
  z.strictObject({
    outcome: z.literal("waits"),
    finds: z.array(z.string().check(z.maxLength(FUNCTION_FIND_LENGTH_MAX))).check(z.minLength(1), z.maxLength(FUNCTION_FINDS_MAX)),
  }),
]);
export type Judgement = z.infer<typeof judgementSchema>;

export const answerSchema = z.discriminatedUnion("outcome", [
  /** The result of `evaluate`, as JSON text. */
  z.strictObject({ outcome: z.literal("text"), text: z.string() }),
  /** The results of `filter` for its first inputs. Contains at least one result if there are inputs. */
  z.strictObject({ outcome: z.literal("verdicts"), verdicts: z.array(z.boolean()) }),
  /** The expression selects nothing, the bodies match, or the schema is valid. */
  z.strictObject({ outcome: z.literal("nothing") }),
  /** The first body that does not match, and its problems. */
  z.strictObject({ outcome: z.literal("mismatch"), index: z.number(), problems: z.record(z.string(), z.string()) }),
  /** The expression, the schema or the source of a function is invalid. `position` is a character index in the expression. Lines and columns start at 1. */
  z.strictObject({
    outcome: z.literal("invalid"),
    message: z.string(),
    position: z.optional(z.number()),
    line: z.optional(z.number()),
    column: z.optional(z.number()),
  }),
  /** The judgements of the first cases of `judge`. Contains at least one. */
  z.strictObject({ outcome: z.literal("judged"), judgements: z.array(judgementSchema).check(z.minLength(1)) }),
  z.strictObject({ outcome: z.literal("limit"), limit }),
  /** The job did not get its CPU time, because the machine is too busy. */
  z.strictObject({ outcome: z.literal("starved") }),
]);
export type Answer = z.infer<typeof answerSchema>;

/**
 * `ready`: the worker can take a job. `begun`: it has received one. If a worker dies after `begun`, the job probably killed it; before, the job can be given to
 * another worker.
 */
export const reportSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("ready") }),
  z.strictObject({ type: z.literal("begun"), id: z.string() }),
  z.strictObject({ type: z.literal("answer"), id: z.string(), answer: answerSchema }),
]);
export type Report = z.infer<typeof reportSchema>;
