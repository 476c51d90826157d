/** Checks JSON texts against JSON Schemas (2020-12). Runs only in a worker process, because schemas and bodies are hostile. Fetches nothing. */
import { type ErrorObject, MissingRefError, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { findDuplicateKey } from "@/src/core/json/duplicates";
import { compileLinearPattern, type LinearPattern } from "@/src/shared/text/linear-pattern";
import { UnsupportedPatternError } from "@/src/shared/text/translate-pattern";
import { MESSAGE_LENGTH_MAX } from "../limits";
import type { Answer, Job } from "../messages";
import { createCpuClock } from "./cpu-clock";
import { runWithTimeout, type TimedRun } from "./run-with-timeout";
import { toProblems, toSchemaProblem } from "./schema-problems";

/** The number of compiled schemas that are kept. */
const COMPILED_MAX = 200;
/** For longer bodies, only the first problem is reported, because a body can have as many problems as bytes. */
const ALL_PROBLEMS_LENGTH_MAX = 65_536;
/** The maximum length for the format `url`, whose pattern takes quadratic time. Browsers do not accept longer addresses either. */
const URL_LENGTH_MAX = 2_048;
const PATTERN_SHOWN_MAX = 80;
const DIALECT = "https://json-schema.org/draft/2020-12/schema";

export interface SchemaChecker {
  check(job: Job): Answer;
}

interface Compiled {
  /** Matches every pattern in linear time. */
  isLinear: boolean;
  /** Stops at the first problem. */
  quick: ValidateFunction;
  /** Compiled on first use. */
  thorough?: ValidateFunction;
}

/** The reason why a schema is invalid, for the author of the schema. */
class SchemaProblem extends Error {}

/** The schema has a pattern that cannot be matched in linear time. */
class UnsupportedPattern extends SchemaProblem {}

export function createSchemaChecker({ timeoutMs }: { timeoutMs: number }): SchemaChecker {
  /** Compiled schemas by their text. The least recently used one is first. */
  const cache = new Map<string, Compiled>();
  const clock = createCpuClock({ timeoutMs });

  const find = (schema: string): Compiled => {
    const compiled = cache.get(schema) ?? compileStored(schema);
    cache.delete(schema);
    cache.set(schema, compiled);
    const [oldest] = cache.keys();
    if (cache.size > COMPILED_MAX && oldest !== undefined) cache.delete(oldest);
    return compiled;
  };

  function tryToCheck(job: Job, timeLimitMs: number): TimedRun<Answer> {
    try {
      return runWithTimeout(() => runJob(job, find), timeLimitMs);
    } catch (error) {
      if (!(error instanceof SchemaProblem)) throw error;
      return { ended: true, value: { outcome: "invalid", message: error.message.slice(0, MESSAGE_LENGTH_MAX) } };
    }
  }

  return {
    check(job) {
      clock.start();
      // V8's timeout is elapsed time. If the CPU time is not used up yet, the check is repeated with a longer timeout. A check has no side effects.
      for (let timeLimitMs = timeoutMs; ; timeLimitMs *= 2) {
        const result = tryToCheck(job, timeLimitMs);
        const answer = result.ended
          ? result.value
          : result.limit === "time"
            ? clock.late()
            : { outcome: "limit" as const, limit: result.limit };
        if (answer) return answer;
      }
    },
  };
}

function runJob(job: Job, find: (schema: string) => Compiled): Answer {
  switch (job.kind) {
    case "check_schema":
      // A stored schema may have patterns that would be refused today.
      if (!find(job.schema).isLinear) compile(job.schema, { allErrors: false, isLinear: true });
      return { outcome: "nothing" };
    case "validate": {
      const compiled = find(job.schema);
      for (const [index, text] of job.bodies.entries()) {
        const body: unknown = JSON.parse(text);
        const duplicate = findDuplicateKey(text);
        if (duplicate !== undefined) return { outcome: "mismatch", index, problems: { [duplicate]: "This key occurs twice." } };
        if (compiled.quick(body)) continue;
        return { outcome: "mismatch", index, problems: toProblems(listErrors(compiled, job.schema, body, text.length)) };
      }
      return { outcome: "nothing" };
    }
    case "evaluate":
    case "filter":
    case "check_function":
    case "judge":
      throw new Error(`This worker cannot run a job of kind ${job.kind}.`);
  }
}

function listErrors(compiled: Compiled, schema: string, body: unknown, length: number): readonly ErrorObject[] {
  const [first] = compiled.quick.errors ?? [];
  if (length > ALL_PROBLEMS_LENGTH_MAX) return first ? [first] : [];
  compiled.thorough ??= compile(schema, { allErrors: true, isLinear: compiled.isLinear });
  compiled.thorough(body);
  return compiled.thorough.errors ?? (first ? [first] : []);
}

/** Compiles a stored schema. One that was stored before patterns had to be linear uses backtracking, within the time limit. */
function compileStored(schema: string): Compiled {
  try {
    return { isLinear: true, quick: compile(schema, { allErrors: false, isLinear: true }) };
  } catch (error) {
    if (!(error instanceof UnsupportedPattern)) throw error;
    return { isLinear: false, quick: compile(schema, { allErrors: false, isLinear: false }) };
  }
}

/** Compiles a schema in its own instance of Ajv, because `$id`s could collide. Throws SchemaProblem, and UnsupportedPattern only with `isLinear`. */
function compile(text: string, { allErrors, isLinear }: { allErrors: boolean; isLinear: boolean }): ValidateFunction {
  const schema: unknown = JSON.parse(text);
  if (!isSchema(schema)) throw new SchemaProblem("A JSON Schema must be an object, true or false.");
  if (typeof schema === "object" && "$schema" in schema && !isOurDialect(schema.$schema)) {
    throw new SchemaProblem(`Use "$schema": "${DIALECT}", or leave it out.`);
  }
  const ajv = new Ajv2020({
    allErrors,
    strict: false,
    logger: false,
    ownProperties: true,
    code: { regExp: isLinear ? compileLinear : compileNative },
  });
  addFormats.default(ajv);
  const url = ajv.formats.url;
  if (url instanceof RegExp) ajv.addFormat("url", (address) => address.length <= URL_LENGTH_MAX && url.test(address));
  let validate: ValidateFunction;
  try {
    if (ajv.validateSchema(schema) !== true) throw new SchemaProblem(toSchemaProblem(schema, ajv.errors ?? []));
    validate = ajv.compile(schema);
  } catch (error) {
    if (error instanceof MissingRefError)
      throw new SchemaProblem(`"${error.missingRef}" cannot be found. External schemas are not loaded.`);
    if (error instanceof SchemaProblem) throw error;
    // A limit was reached, such as the depth of the stack. The schema itself may be valid.
    if (!(error instanceof Error) || error instanceof RangeError) throw error;
    throw new SchemaProblem(`This is not a JSON Schema: ${error.message}.`);
  }
  // The result of an asynchronous schema would be a promise, which would count as a match.
  if ("$async" in validate) throw new SchemaProblem("$async is not supported.");
  return validate;
}

function isSchema(value: unknown): value is object | boolean {
  return typeof value === "boolean" || (typeof value === "object" && value !== null && !Array.isArray(value));
}

function isOurDialect(dialect: unknown): boolean {
  return typeof dialect === "string" && dialect.replace(/#$/, "") === DIALECT;
}

function compileLinear(pattern: string): LinearPattern {
  try {
    return compileLinearPattern(pattern);
  } catch (error) {
    if (!(error instanceof UnsupportedPatternError)) throw error;
    const shown = pattern.length <= PATTERN_SHOWN_MAX ? pattern : `${pattern.slice(0, PATTERN_SHOWN_MAX)}…`;
    throw new UnsupportedPattern(
      `The pattern ${JSON.stringify(shown)} ${error.message}. Patterns are matched in linear time, which rules this out.`,
    );
  }
}
compileLinear.code = "compileLinear";

function compileNative(pattern: string, flags: string): RegExp {
  try {
    return new RegExp(pattern, flags);
  } catch {
    return new RegExp(pattern);
  }
}
compileNative.code = "compileNative";
