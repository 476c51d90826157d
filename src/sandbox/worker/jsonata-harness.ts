/**
 * The text of the script that evaluates JSONata inside QuickJS. It never runs in V8. It runs after the source of jsonata and before any expression, keeps its
 * state in a closure, and returns only texts.
 */

import { JOIN_GUARD } from "./join-guard";

/**
 * The script returns functions. `start` evaluates an expression. `compile` compiles one, and each `test` then evaluates whether it is true for an input. When
 * QuickJS has no pending jobs, `failure` and `text` return the result of the last evaluation.
 */
export const HARNESS = String.raw`
(() => {
  "use strict";
  const { parse, stringify } = JSON;
  const compile = globalThis.jsonata;
  delete globalThis.jsonata;

  ${JOIN_GUARD}

  // jsonata expects these, which browsers have.
  const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const btoa = (text) => {
    let encoded = "";
    for (let at = 0; at < text.length; at += 3) {
      const [a, b, c] = [text.charCodeAt(at), text.charCodeAt(at + 1), text.charCodeAt(at + 2)];
      if (a > 255 || b > 255 || c > 255) throw { code: "D3142", message: "$base64encode() takes characters up to U+00FF" };
      const bits = (a << 16) | ((b || 0) << 8) | (c || 0);
      encoded += DIGITS[bits >> 18] + DIGITS[(bits >> 12) & 63];
      encoded += at + 1 < text.length ? DIGITS[(bits >> 6) & 63] : "=";
      encoded += at + 2 < text.length ? DIGITS[bits & 63] : "=";
    }
    return encoded;
  };
  const atob = (encoded) => {
    let [text, bits, count] = ["", 0, 0];
    for (const digit of encoded.replace(/[\s=]/g, "")) {
      const value = DIGITS.indexOf(digit);
      if (value < 0) throw { code: "D3143", message: "$base64decode() takes base64" };
      bits = ((bits << 6) | value) & 0xffffff;
      count += 6;
      if (count >= 8) {
        count -= 8;
        text += String.fromCharCode((bits >> count) & 255);
      }
    }
    return text;
  };
  globalThis.window = Object.freeze({ btoa, atob });

  // Every evaluation starts from the same memory, and so from the same random state. Therefore each gets a new seed. The generator is mulberry32.
  let chance = 0;
  Math.random = () => {
    chance = (chance + 0x6d2b79f5) | 0;
    let mixed = Math.imul(chance ^ (chance >>> 15), 1 | chance);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };

  // As in jsonata's own $string, functions become empty texts.
  const withoutFunctions = (_, value) =>
    typeof value === "function" || (value && (value._jsonata_lambda === true || value._jsonata_function === true)) ? "" : value;

  const toFailure = (error) => {
    // When memory is exhausted, the error itself can be missing.
    if (error === null || error === undefined) return { limit: "memory" };
    if (error instanceof Error && typeof error.code !== "string") {
      const text = String(error.message);
      if (text === "out of memory" || text === "string too long") return { limit: "memory" };
      if (text === "stack overflow") return { limit: "depth" };
      if (error instanceof TypeError && text === "circular reference") return { message: "The result refers to itself." };
      return { broken: true };
    }
    if (error.code === "U1001") return { limit: "depth" };
    const position = typeof error.position === "number" ? error.position : undefined;
    return { message: String(error.message), position };
  };

  // The truth of JSONata: empty lists and lists without a true item are false, as are "" and {}.
  const truth = compile("$boolean($value)");

  let failure = { broken: true };
  let text;
  let compiled;
  const settle = async (evaluate) => {
    failure = { broken: true };
    try {
      text = await evaluate();
      failure = undefined;
    } catch (error) {
      failure = toFailure(error);
    }
  };
  return {
    start(expression, input, seed) {
      chance = seed;
      void settle(async () => {
        const value = await compile(parse(expression)).evaluate(parse(input));
        return value === undefined ? undefined : stringify(value, withoutFunctions);
      });
    },
    compile(expression, seed) {
      chance = seed;
      void settle(async () => {
        compiled = compile(parse(expression));
      });
    },
    test(input) {
      void settle(async () => {
        const value = await compiled.evaluate(parse(input));
        return (await truth.evaluate(undefined, { value })) === true ? "true" : "false";
      });
    },
    failure: () => (failure === undefined ? undefined : stringify(failure)),
    text: () => text,
  };
})()`;
