/**
 * The text of the script that calls access functions inside QuickJS. It never runs in V8. It runs before the function's source, keeps its state in a closure,
 * and returns only texts. It makes the realm deterministic and freezes what data can reach through property names.
 */
import { FUNCTION_FIND_LENGTH_MAX, FUNCTION_FINDS_MAX, FUNCTION_FOUND_RECORDS_MAX } from "@/src/core/access-functions/limits";
import { JOIN_GUARD } from "./join-guard";

/** The globals that a function sees. All others are deleted, because they show time, chance or the memory, or make code from texts. */
const GLOBALS = [
  ...[
    "Object",
    "Array",
    "Function",
    "String",
    "Number",
    "Boolean",
    "Symbol",
    "BigInt",
    "Math",
    "JSON",
    "Reflect",
    "Proxy",
    "Date",
    "RegExp",
  ],
  ...["Promise", "Map", "Set", "WeakMap", "WeakSet", "Iterator", "ArrayBuffer", "DataView", "Uint8Array", "Int8Array", "Uint16Array"],
  ...["Int16Array", "Uint32Array", "Int32Array", "BigInt64Array", "BigUint64Array", "Float16Array", "Float32Array", "Float64Array"],
  ...["Uint8ClampedArray", "Error", "TypeError", "RangeError", "SyntaxError", "ReferenceError", "EvalError", "URIError", "InternalError"],
  ...[
    "AggregateError",
    "parseInt",
    "parseFloat",
    "isNaN",
    "isFinite",
    "encodeURI",
    "encodeURIComponent",
    "decodeURI",
    "decodeURIComponent",
  ],
  ...["escape", "unescape", "globalThis", "undefined", "NaN", "Infinity"],
];

/**
 * The script returns functions. `use` takes the value of the source, and returns whether it is a function. `start` calls it with the operation, and the JSON texts
 * of the common part, the record and the input. When QuickJS has no pending jobs, `state` returns the JSON text of the outcome, or of the keys of the finds that it waits for.
 * `settle` settles those with a key.
 */
export const FUNCTION_HARNESS = `
(() => {
  "use strict";
  const { parse, stringify } = JSON;
  const { getOwnPropertyDescriptor, getOwnPropertyNames, getOwnPropertySymbols, getPrototypeOf, defineProperty, freeze } = Object;
  const { construct, ownKeys } = Reflect;
  const isArray = Array.isArray;
  const Promise = globalThis.Promise;
  ${JOIN_GUARD}

  // ---- No clock but now, no chance, no code from texts.
  let now = 0;
  const RealDate = Date;
  function DateOfNow(...given) {
    if (new.target === undefined) return new RealDate(now).toString();
    return construct(RealDate, given.length === 0 ? [now] : given, new.target);
  }
  defineProperty(DateOfNow, "name", { value: "Date" });
  DateOfNow.prototype = RealDate.prototype;
  DateOfNow.prototype.constructor = DateOfNow;
  DateOfNow.UTC = RealDate.UTC;
  DateOfNow.parse = RealDate.parse;
  DateOfNow.now = () => now;
  globalThis.Date = DateOfNow;
  Math.random = () => {
    throw new Error("Math.random is not available, because access functions are deterministic.");
  };
  for (const example of [function () {}, async function () {}, function* () {}, async function* () {}]) {
    const prototype = getPrototypeOf(example);
    const Blocked = function Function() {
      throw new TypeError("Code from texts is not available.");
    };
    Blocked.prototype = prototype;
    defineProperty(prototype, "constructor", { value: Blocked, writable: false, configurable: false });
    if (prototype === getPrototypeOf(getPrototypeOf)) globalThis.Function = Blocked;
  }
  const allowed = ${JSON.stringify(GLOBALS)};
  for (const name of ownKeys(globalThis)) if (typeof name !== "string" || !allowed.includes(name)) delete globalThis[name];

  // ---- Keys of data, such as __proto__ and constructor, must not change other objects.
  for (const name of ["__proto__", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__"]) delete Object.prototype[name];
  // A property of a frozen prototype cannot be assigned on other objects. These are the names that programs and data use.
  for (const name of ["constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString", "valueOf"]) {
    const inherited = Object.prototype[name];
    defineProperty(Object.prototype, name, {
      get: () => inherited,
      set(value) {
        if (this === Object.prototype) throw new TypeError("Object.prototype is frozen.");
        defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
      },
      configurable: false,
    });
  }
  const seen = new Set();
  // Errors stay open: classes that extend Error assign this.name.
  const isError = (value) => value === Error.prototype || (typeof value === "object" && getPrototypeOf(value) === Error.prototype);
  const freezeAll = (value) => {
    if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) return;
    seen.add(value);
    freezeAll(getPrototypeOf(value));
    for (const name of ownKeys(value)) {
      const property = getOwnPropertyDescriptor(value, name);
      freezeAll(property.value);
      freezeAll(property.get);
      freezeAll(property.set);
    }
    if (!isError(value)) freeze(value);
  };
  for (const hidden of [
    [][Symbol.iterator](),
    ""[Symbol.iterator](),
    new Map()[Symbol.iterator](),
    new Set()[Symbol.iterator](),
    "".matchAll(/a/g),
    (function* () {})(),
    (async function* () {})(),
    async function () {},
  ])
    freezeAll(getPrototypeOf(hidden));
  freezeAll(globalThis);

  // ---- The calls of a function.
  let main;
  let outcome;
  let calls = 0;
  let waiting = [];

  const toKey = (endpoint, query) => {
    if (typeof endpoint !== "string") throw new TypeError("find(endpoint, query): endpoint is a string.");
    if (typeof query !== "object" || query === null) throw new TypeError("find(endpoint, query): query is { uniqueId } or { filter, limit }.");
    const { uniqueId, filter, limit = ${FUNCTION_FOUND_RECORDS_MAX} } = query;
    for (const name of ownKeys(query)) {
      if (name !== "uniqueId" && name !== "filter" && name !== "limit") throw new TypeError("find(endpoint, query): query has only uniqueId, filter and limit.");
      // A value that is missing by mistake would find every record.
      if (name !== "limit" && query[name] === undefined) throw new TypeError("find(endpoint, { " + name + " }): " + name + " is undefined.");
    }
    const filters = filter === undefined ? [] : isArray(filter) ? [...filter] : [filter];
    if (uniqueId !== undefined && typeof uniqueId !== "string") throw new TypeError("find(endpoint, { uniqueId }): uniqueId is a string.");
    for (const text of filters) if (typeof text !== "string") throw new TypeError("find(endpoint, { filter }): filter is a string or a list of strings.");
    if (uniqueId !== undefined && filters.length > 0) throw new TypeError("find(endpoint, query): send uniqueId or filter, not both.");
    if (typeof limit !== "number" || limit % 1 !== 0 || limit < 1 || limit > ${FUNCTION_FOUND_RECORDS_MAX})
      throw new RangeError("find(endpoint, { limit }): limit is a whole number from 1 to ${FUNCTION_FOUND_RECORDS_MAX}.");
    const key = stringify({ endpoint, uniqueId: uniqueId === undefined ? null : uniqueId, filters, limit });
    if (key.length > ${FUNCTION_FIND_LENGTH_MAX}) throw new RangeError("find(endpoint, query): the arguments are too long.");
    return key;
  };
  const find = (endpoint, query) =>
    new Promise((resolve, reject) => {
      calls += 1;
      if (calls > ${FUNCTION_FINDS_MAX}) throw new RangeError("find: ${FUNCTION_FINDS_MAX} calls at most.");
      waiting[waiting.length] = { key: toKey(endpoint, query), resolve, reject };
    });
  freeze(find);

  const describe = (value) => (value === null ? "null" : isArray(value) ? "an array" : typeof value === "object" ? "an object without allow: true or false" : typeof value);
  const toVerdict = (value) => {
    if (value === true || value === false) return { allow: value };
    if (typeof value === "object" && value !== null && !isArray(value)) {
      const allow = getOwnPropertyDescriptor(value, "allow");
      const reason = getOwnPropertyDescriptor(value, "reason");
      if (allow !== undefined && typeof allow.value === "boolean") {
        if (reason === undefined || (reason.value === undefined && reason.get === undefined)) return { allow: allow.value };
        if (typeof reason.value === "string") return { allow: allow.value, reason: reason.value };
        return { failed: { cause: "type", message: "reason is not a string." } };
      }
    }
    return { failed: { cause: "type", message: "The function returned " + describe(value) + ", not true, false or { allow, reason }." } };
  };
  // The error can be any value, and reading it can throw.
  const toFailure = (error) => {
    try {
      if (error === null || error === undefined) return { failed: { cause: "exception" } };
      if (typeof error !== "object") return { failed: { cause: "exception", message: "It threw " + typeof error + "." } };
      const message = typeof error.message === "string" ? error.message : "";
      const name = typeof error.name === "string" ? error.name : "Error";
      const stack = typeof error.stack === "string" ? error.stack : "";
      return { failed: { cause: "exception", message: (name + ": " + message).slice(0, 1000), stack: stack.slice(0, 4000) } };
    } catch {
      return { failed: { cause: "exception" } };
    }
  };

  return {
    use(value) {
      main = value;
      return typeof value === "function" ? "function" : undefined;
    },
    describe: (error) => stringify(toFailure(error)),
    start(operation, common, record, input) {
      const { user, request, now: at } = parse(common);
      now = at;
      const given = { operation, user, record: parse(record), input: parse(input), request, now, find };
      const settle = async () => {
        try {
          outcome = toVerdict(await main(given));
        } catch (error) {
          outcome = toFailure(error);
        }
      };
      void settle();
    },
    state: () => (outcome !== undefined ? stringify(outcome) : stringify({ finds: waiting.map(({ key }) => key) })),
    settle(key, text) {
      const settled = waiting.filter((each) => each.key === key);
      waiting = waiting.filter((each) => each.key !== key);
      for (const { resolve, reject } of settled) {
        const { records, error } = parse(text);
        if (error === undefined) {
          resolve(records);
          continue;
        }
        const problem = new Error(error.message);
        problem.name = "FindError";
        problem.status = error.status;
        problem.code = error.code;
        reject(problem);
      }
    },
  };
})()`;
