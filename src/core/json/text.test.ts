/** Tests that JSON bodies are validated and never changed. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createJsonScan, findJsonProblem } from "@/src/core/json/scanner";
import { isJsonObject, parseJsonText, parseLongJsonText } from "@/src/core/json/text";
import type { MaybePromise } from "@/src/core/maybe-promise";
import { isAppError } from "@/src/shared/errors";
import { JSON_DEPTH_MAX } from "@/src/shared/streams/protocol";

function detailOf(text: string): string {
  try {
    parseJsonText(text);
  } catch (error) {
    if (isAppError(error) && error.code === "body_invalid") return error.message;
    throw error;
  }
  throw new Error("This text was accepted.");
}

const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);

/** A valid text or a damaged one. */
const anyText = fc
  .tuple(
    fc.json(),
    fc.nat(),
    fc.constantFrom("", '"', "{", "}", "[", "]", ",", ":", "\\", "0", "-", ".", "e", "u", "\n", " ", "t", "\\u0000"),
    fc.nat(2),
  )
  .map(([text, seed, insert, drop]) => {
    const at = seed % (text.length + 1);
    return text.slice(0, at) + insert + text.slice(at + drop);
  });

describe("parseJsonText", () => {
  it.each([
    ["numbers beyond double precision", '{"a":1e400,"b":1.0,"c":12345678901234567890,"d":-0,"e":1E-7}'],
    ["key order and integer-like keys", '{"b":1,"10":2,"a":3,"2":4}'],
    ["duplicate keys", '{"a":1,"a":2}'],
    ["__proto__ as a key", '{"__proto__":{"polluted":true},"constructor":{"prototype":1}}'],
    ["lone surrogates", '["\\ud800","\\udc00x"]'],
    ["escapes as written", '"\\u00e9\\/\\n\\u2028"'],
    ["an escaped backslash before u0000", '{"path":"C:\\\\u0000"}'],
    ["an escaped backslash after an escaped quote", '"\\"\\\\\\\\u0000"'],
    ["white space inside", '{ "a" :\n [ 1 ,\t2 ] }'],
    ["a scalar", "null"],
    ["the empty key and string", '{"":""}'],
  ])("[R1] keeps %s", (_what, text) => {
    expect(parseJsonText(text)).toBe(text);
  });

  it("[R1] removes only the white space around the value", () => {
    expect(parseJsonText(' \r\n\t{"a": 1} \n')).toBe('{"a": 1}');
  });

  it("[R1] does not pollute prototypes", () => {
    parseJsonText('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}');
    expect(Reflect.get({}, "polluted")).toBeUndefined();
  });

  it.each([
    ["{", "line 1, column 2 (offset 1): expected a key in double quotes"],
    ['{"a"}', "line 1, column 5 (offset 4): expected “:” after the key"],
    ['{"a":1,}', "line 1, column 8 (offset 7): expected a key in double quotes"],
    ["{'a':1}", "line 1, column 2 (offset 1): expected a key in double quotes"],
    ["[1,\n  2,\n  tru]", "line 3, column 3 (offset 11): expected a value"],
    ["[1 2]", "line 1, column 4 (offset 3): expected “,” or “]”"],
    ['{"a":1 "b":2}', "line 1, column 8 (offset 7): expected “,” or “}”"],
    ["01", "line 1, column 2 (offset 1): unexpected text after the value"],
    ["{} {}", "line 1, column 4 (offset 3): unexpected text after the value"],
    ["-", "line 1, column 1 (offset 0): this number is not valid"],
    ["1.", "line 1, column 2 (offset 1): unexpected text after the value"],
    ["NaN", "line 1, column 1 (offset 0): expected a value"],
    ['"abc', "line 1, column 5 (offset 4): a string is not closed"],
    ['"abc\\', "line 1, column 5 (offset 4): this escape sequence is not valid"],
    ['"\\x"', "line 1, column 2 (offset 1): this escape sequence is not valid"],
    ['"\\u12g4"', "line 1, column 2 (offset 1): “\\u” needs four hex digits"],
    ['"a\nb"', "line 1, column 3 (offset 2): a control character in a string must be escaped"],
    ["\u00a0{}", "line 1, column 1 (offset 0): expected a value"],
    ["]", "line 1, column 1 (offset 0): expected a value"],
    ["[}", "line 1, column 2 (offset 1): expected a value"],
  ])("[R2] rejects %j with the position", (text, where) => {
    expect(detailOf(text)).toBe(`The body is not valid JSON at ${where}.`);
  });

  it.each([
    ['{"a":[1,2,{"x":0},{"b":"x\\u0000y"}]}', "in the string at $.a[3].b"],
    ['{"a":{"k\\u0000":1}}', "in a key of the object at $.a"],
    ['{"\\u0000":1}', "in a key of the object at $"],
    ['"\\u0000"', "in the string at $"],
    ['{"a b":{"ü":"\\u0000"}}', 'in the string at $["a b"]["ü"]'],
    ['["\\\\\\u0000"]', "in the string at $[0]"],
    ['["a\0b"]', "in the string at $[0]"],
    ['{"first":1,"second":"\\u0000"}', "in the string at $.second"],
  ])("[R1] rejects a NUL character in %j with its path", (text, where) => {
    expect(detailOf(text)).toContain(`there is a NUL character (\\u0000) ${where}. Remove it.`);
  });

  it("[R2] accepts the greatest allowed nesting and rejects deeper nesting", () => {
    expect(parseJsonText(nested(JSON_DEPTH_MAX))).toHaveLength(2 * JSON_DEPTH_MAX);
    expect(detailOf(nested(JSON_DEPTH_MAX + 1))).toContain(`nested deeper than ${JSON_DEPTH_MAX}`);
    expect(detailOf(nested(10_000))).toContain("nested deeper than");
    expect(detailOf("[".repeat(1_000_000))).toContain("nested deeper than");
    expect(detailOf(`${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`)).toContain("nested deeper than");
  });

  it("[R2] counts no brackets in strings and no closed ones", () => {
    const strings = `["${"[{".repeat(2_000)}\\"[[","${'\\"]['.repeat(1_500)}"]`;
    expect(parseJsonText(strings)).toBe(strings);
    const siblings = `[${Array.from({ length: 3_000 }, () => '{"a":[]}').join(",")}]`;
    expect(parseJsonText(siblings)).toBe(siblings);
  });

  it("[R2] agrees with JSON.parse about every text", () => {
    const withoutNul = anyText.filter((text) => !text.includes("\\u0000"));
    fc.assert(
      fc.property(withoutNul, (text) => {
        let isValid = true;
        try {
          JSON.parse(text);
        } catch {
          isValid = false;
        }
        expect(findJsonProblem(text, JSON_DEPTH_MAX) === undefined).toBe(isValid);
      }),
      { numRuns: 2_000 },
    );
  });

  it("[R2] validates a long text the same with and without pauses", async () => {
    const padding = " ".repeat(20_000);
    const outcomeOf = (judging: MaybePromise<string>): Promise<string> =>
      Promise.resolve(judging).catch((error: unknown) => (isAppError(error) ? error.message : String(error)));
    await fc.assert(
      fc.asyncProperty(anyText, async (text) => {
        const long = padding + text;
        const expected = await outcomeOf(Promise.resolve().then(() => parseJsonText(long)));
        expect(await outcomeOf(parseLongJsonText(long))).toBe(expected);
      }),
      { numRuns: 300 },
    );
  });

  it("[R2] lets other work run while it scans a long text", async () => {
    let ticks = 0;
    let isOver = false;
    const count = (): void => {
      ticks += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    await parseLongJsonText(`[${"{},".repeat(100_000)}{}]`);
    isOver = true;
    expect(ticks).toBeGreaterThan(10);
  });

  it("[R2] finds the same problem wherever the scan pauses", () => {
    fc.assert(
      fc.property(anyText, fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 8 }), (text, steps) => {
        const scan = createJsonScan(text, JSON_DEPTH_MAX);
        for (let step = 0; !scan.advance(steps[step % steps.length] ?? 1); step += 1) expect(step).toBeLessThan(2 * text.length + 2);
        expect(scan.problem()).toEqual(findJsonProblem(text, JSON_DEPTH_MAX));
      }),
      { numRuns: 2_000 },
    );
  });

  it("shortens a long path", () => {
    const path = findJsonProblem(`${`{"${"k".repeat(100)}":`.repeat(50)}!`, 1000)?.path;
    expect(path?.length).toBeLessThan(220);
  });
});

describe("isJsonObject", () => {
  it("distinguishes objects from other values", () => {
    expect(isJsonObject(' {"a":1}')).toBe(true);
    expect(["[]", '"{"', "1", "null"].some(isJsonObject)).toBe(false);
  });
});
