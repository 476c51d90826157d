/** Tests expressions as filters (W13): many records in one job, errors, and evaluations that never end. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Sandbox } from "@/src/core/sandbox";
import { JSONATA_BYTES_MAX, JSONATA_INPUT_BYTES_MAX } from "@/src/shared/streams/protocol";
import { limitOf } from "@/tests/support/refusal";
import { createSandbox } from "./sandbox";

const MIB = 1024 * 1024;
const create = (timeoutMs: number) => createSandbox({ timeoutMs, memoryBytesMax: 32 * MIB, log: { warn: () => undefined } });

/** For expressions that end. They can take long on a busy machine. */
let patient: ReturnType<typeof create>;
/** For expressions that do not end. */
let strict: ReturnType<typeof create>;
beforeAll(() => {
  patient = create(10_000);
  strict = create(300);
});
afterAll(async () => {
  await patient.close();
  await strict.close();
});

const ENDLESS = "( $f := function($n){ $f($n + 1) }; $f(1) )";
const texts = (...values: unknown[]) => values.map((value) => JSON.stringify(value));

const codeOf = async (ask: () => Promise<unknown>) => (await limitOf(ask)).code;

/** Returns all results, from as many jobs as needed. */
async function filterAll(sandbox: Sandbox, expression: string, inputs: readonly string[]): Promise<boolean[]> {
  const verdicts: boolean[] = [];
  while (verdicts.length < inputs.length) verdicts.push(...(await sandbox.filter(expression, inputs.slice(verdicts.length))));
  return verdicts;
}

describe("filters", () => {
  it("[W13] returns for which records an expression is true", async () => {
    const records = texts({ data: { price: 1 } }, { data: { price: 5 } }, { data: "text" }, { data: { price: 9 } });
    expect(await patient.filter("data.price > 2", records)).toEqual([false, true, false, true]);
  });

  it.each([
    ["true", true],
    ["0", false],
    ["-1", true],
    ["''", false],
    ["'x'", true],
    ["null", false],
    ["nothing", false],
    ["[]", false],
    ["[0, '']", false],
    ["[0, 1]", true],
    ["[[], [0]]", false],
    ["{}", false],
    ["{'a': 0}", true],
    ["function($x){$x}", false],
    ["$sum", false],
    ["/x/", false],
    ["data[tag = 'x']", true],
    ["data[tag = 'y']", false],
  ])("[W13] uses the rules of $boolean: %s", async (expression, expected) => {
    expect(await patient.filter(expression, texts({ data: [{ tag: "x" }, { tag: "z" }] }))).toEqual([expected]);
  });

  it("[W13] without records it is only parsed", async () => {
    expect(await patient.filter("$error('later')", [])).toEqual([]);
    expect(await codeOf(() => patient.filter("data[", []))).toBe("jsonata_invalid");
  });

  it("[W13] an error of one record is reported when the record comes first, and hides none of the results before it", async () => {
    const records = texts({ n: 1 }, { n: "x" }, { n: 2 });
    expect(await patient.filter("n + 1 > 2", records)).toEqual([false]);
    expect(await codeOf(() => patient.filter("n + 1 > 2", records.slice(1)))).toBe("jsonata_invalid");
    expect(await patient.filter("n + 1 > 2", records.slice(2))).toEqual([true]);
  });

  it("[W13] an endless evaluation of one record is reported when the record comes first", async () => {
    const records = texts({ n: 1 }, { n: 0 }, { n: 1 });
    expect(await strict.filter(`n = 1 or ${ENDLESS}`, records)).toEqual([true]);
    expect(await codeOf(() => strict.filter(`n = 1 or ${ENDLESS}`, records.slice(1)))).toBe("jsonata_limit");
    expect(await strict.filter("n = 1", records)).toEqual([true, false, true]);
  });

  it.each([
    ["a loop", ENDLESS],
    ["a recursion", "( $f := function($n){ $f($n) + 1 }; $f(1) )"],
    ["a catastrophic regular expression", "$contains($join($map([1..40], function($i){'a'})) & 'b', /^(a+)+$/)"],
    ["a text of a gigabyte", "$pad('x', 1000000000)"],
    ["a sequence of millions", "$map([1..10000000], function($i){ {'n': $i} })"],
    ["nesting without end", `${"(".repeat(5000)}1${")".repeat(5000)}`],
  ])("[W13] stops %s", async (_, expression) => {
    expect(await codeOf(() => strict.filter(expression, texts(1, 2)))).toMatch(/^jsonata_(limit|invalid)$/);
    expect(await strict.filter("$ > 1", texts(1, 2))).toEqual([false, true]);
  });

  it("[W13] any number of records, in batches of the maximum", async () => {
    const records = Array.from({ length: 1_000 }, (_, index) => JSON.stringify({ index, padding: "x".repeat(2_000) }));
    const verdicts = await filterAll(patient, "index % 3 = 0", records);
    expect(verdicts).toEqual(records.map((_, index) => index % 3 === 0));
    expect((await patient.filter("true", records)).length).toBeLessThan(records.length);
  });

  it("[W13] an expression cannot affect later evaluations", async () => {
    expect(await patient.filter("$exists($seen) ? true : ($seen := 1; false)", texts(1, 2))).toEqual([false, false]);
    expect(await patient.filter("$exists($seen)", texts(1))).toEqual([false]);
  });

  it("[W13] are evaluated while all workers for plain evaluations are busy", async () => {
    const sandbox = create(10_000);
    const controller = new AbortController();
    // A job whose input never arrives occupies its worker.
    const evaluations = Array.from({ length: 10 }, () =>
      sandbox.evaluate("1", () => new Promise((_, reject) => controller.signal.addEventListener("abort", reject))).catch(() => "refused"),
    );
    expect(await sandbox.filter("$ > 1", texts(1, 2))).toEqual([false, true]);
    controller.abort();
    await sandbox.close();
    expect(new Set(await Promise.all(evaluations))).toEqual(new Set(["refused"]));
  });

  it("[W13] have the limits of JSONata on GET", async () => {
    expect(await codeOf(() => patient.filter("x".repeat(JSONATA_BYTES_MAX + 1), []))).toBe("jsonata_limit");
    const large = JSON.stringify("x".repeat(JSONATA_INPUT_BYTES_MAX));
    expect(await codeOf(() => patient.filter("true", [large]))).toBe("jsonata_limit");
    expect(await patient.filter("$ = 1", ["1", large])).toEqual([true]);
  });
});
