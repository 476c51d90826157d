/** Tests access functions in the sandbox (S8): verdicts, failures, isolation, determinism, and functions that try to escape or never end. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FUNCTION_REASON_LENGTH_MAX } from "@/src/core/access-functions/limits";
import type { FunctionCase, FunctionJudgement } from "@/src/core/sandbox";
import { ACCESS_FUNCTION_BYTES_MAX } from "@/src/shared/text/access-function";
import { unlessRefusedAsBusy } from "@/tests/support/unless-busy";
import { createSandbox } from "./sandbox";

const MIB = 1024 * 1024;
const create = (timeoutMs: number) => createSandbox({ timeoutMs, memoryBytesMax: 32 * MIB, log: { warn: () => undefined } });

/** For functions that end. They can take long on a busy machine. */
let patient: ReturnType<typeof create>;
/** For functions that do not end. */
let strict: ReturnType<typeof create>;
beforeAll(() => {
  patient = create(10_000);
  strict = create(300);
});
afterAll(async () => {
  await patient.close();
  await strict.close();
});

const NOW = Date.UTC(2026, 0, 2);
const toCommon = (extra: object = {}) =>
  JSON.stringify({
    operation: "read",
    user: { uniqueId: "u1", data: { role: "member" } },
    request: { origin: null, key: null },
    now: NOW,
    ...extra,
  });
const toCase = (data: unknown, input: unknown = null): FunctionCase => ({
  operation: "update",
  record: JSON.stringify({ uniqueId: "r1", data, owner: "u1" }),
  input: JSON.stringify(input),
});

/** Judges all cases, in as many jobs as needed. */
async function judgeAll(
  source: string,
  cases: readonly FunctionCase[],
  { sandbox = patient, common = toCommon(), found = [] as [string, string][] } = {},
): Promise<FunctionJudgement[]> {
  const judgements: FunctionJudgement[] = [];
  while (judgements.length < cases.length)
    judgements.push(
      ...(await unlessRefusedAsBusy(() => sandbox.judgeFunction({ source, common, cases: cases.slice(judgements.length), found }))),
    );
  return judgements;
}

async function judgeOne(source: string, options: Parameters<typeof judgeAll>[2] & { data?: unknown; input?: unknown } = {}) {
  const [judgement] = await judgeAll(source, [toCase(options.data ?? {}, options.input)], options);
  return judgement;
}

const ALLOWED = { outcome: "verdict", allow: true };
const REFUSED = { outcome: "verdict", allow: false };

describe("sources", () => {
  it.each([
    "() => true",
    "() => true;",
    "// who may read\n() => true // all\n",
    "function () { return true; }",
    "function access(request) { return true; }",
    "async function ({ find }) { return true; }",
    "async () => true",
    "export default () => true;",
    "export default function ({ user }) { return true; }",
    "const all = true;\nconst isAllowed = () => all;\nexport default async () => isAllowed();",
    "/* x */ export default async function access() { return true }",
  ])("[S8] are one function: %s", async (source) => {
    expect(await patient.checkFunction(source)).toBeUndefined();
    expect(await judgeOne(source)).toEqual(ALLOWED);
  });

  it.each([
    ["", 1, undefined],
    ["1", undefined, undefined],
    ["true", undefined, undefined],
    ["({ allow: true })", undefined, undefined],
    ["export const access = () => true;", undefined, undefined],
    ["export default 1;", undefined, undefined],
    ["() => {\n  return tru e;\n}", 2, 14],
    ["() => a b", 1, 9],
    ["export default () => {\n  retur n true;\n}", 2, 9],
    ["function a() {}\nfunction b() {}", 2, 1],
    ["import fs from 'fs'; export default () => true;", undefined, undefined],
    ["await 1; export default () => tru ue", 1, undefined],
    ["undefinedName", 1, undefined],
    ["throw 1", 1, undefined],
  ])("[S8] that are something else are refused with their place: %s", async (source, line, column) => {
    const problem = await patient.checkFunction(source);
    expect(problem?.message).toBeTruthy();
    if (line !== undefined) expect(problem?.line).toBe(line);
    if (column !== undefined) expect(problem?.column).toBe(column);
    expect(await judgeOne(source)).toMatchObject({ outcome: "failed" });
  });

  it.each(["while (true);", "for (;;) {}\nexport default () => true"])("[S8] that do not end are refused: %s", async (source) => {
    expect((await strict.checkFunction(`(() => { ${source} })()`))?.message).toBeTruthy();
  });

  it("[S8] may have 64 KiB", async () => {
    expect(await judgeOne(`() => true // ${"x".repeat(ACCESS_FUNCTION_BYTES_MAX - 20)}`)).toEqual(ALLOWED);
  });
});

describe("verdicts", () => {
  it("[S8] the function receives operation, user, record, input, request and now", async () => {
    const source = `({ operation, user, record, input, request, now, ...others }) => ({
      allow: false,
      reason: JSON.stringify([operation, user, record, input, request, now, Object.keys(others)]),
    })`;
    const common = toCommon({ request: { origin: "https://a.example", key: { name: "Web", scope: "read" } } });
    const judgement = await judgeOne(source, { common, data: { n: 1 }, input: { n: 2 } });
    expect(judgement).toMatchObject({ outcome: "verdict", allow: false });
    expect(JSON.parse((judgement as { reason: string }).reason)).toEqual([
      "update",
      { uniqueId: "u1", data: { role: "member" } },
      { uniqueId: "r1", data: { n: 1 }, owner: "u1" },
      { n: 2 },
      { origin: "https://a.example", key: { name: "Web", scope: "read" } },
      NOW,
      ["find"],
    ]);
  });

  it.each([
    ["true", ALLOWED],
    ["false", REFUSED],
    ["Promise.resolve(true)", ALLOWED],
    ["({ allow: true })", ALLOWED],
    ["({ allow: false })", REFUSED],
    ["({ allow: false, reason: 'not yours' })", { ...REFUSED, reason: "not yours" }],
    ["({ allow: true, reason: undefined })", ALLOWED],
  ])("[S8] a function returns %s", async (value, expected) => {
    expect(await judgeOne(`() => (${value})`)).toEqual(expected);
  });

  it.each([
    ...[
      "1",
      "0",
      '"true"',
      "null",
      "undefined",
      "[true]",
      "new Boolean(true)",
      "{}",
      "({ allow: 1 })",
      "({ allow: 'true' })",
      "() => true",
    ],
    ...["({ get allow() { return true; } })", "Object.create({ allow: true })", "({ allow: true, reason: 1 })", "Symbol()", "1n"],
    ...["new Proxy({}, { get: () => true })", "new Proxy({}, { getOwnPropertyDescriptor() { throw 1; } })", "({ toString: () => 'true' })"],
    ...[
      "({ allow: { valueOf: () => true } })",
      "({ then: 1 })",
      "({ allow: true, get reason() { throw 1; } })",
      "({ allow: new Boolean(true) })",
    ],
  ])("[S8] any other result fails: %s", async (value) => {
    expect(await judgeOne(`() => { return ${value === "{}" ? "({})" : value}; }`)).toMatchObject({ outcome: "failed" });
  });

  it.each([
    ["new Promise(() => {})", "pending"],
    ["({ then() {} })", "pending"],
    ["({ allow: false, reason: 'x'.repeat(10000) })", "output"],
  ])("[S8] %s fails as %s", async (value, cause) => {
    expect(await judgeOne(`() => (${value})`)).toMatchObject({ outcome: "failed", cause });
    expect(await judgeOne(`() => ({ allow: false, reason: "x".repeat(${FUNCTION_REASON_LENGTH_MAX}) })`)).toMatchObject(REFUSED);
  });

  it("[S8] an exception fails with its line", async () => {
    const source = "({ record }) => {\n  const members = record.data.members;\n  return members.includes(1);\n}";
    expect(await judgeOne(source)).toMatchObject({ outcome: "failed", cause: "exception", line: 3 });
    expect(await judgeOne(`export default ${source}`)).toMatchObject({ outcome: "failed", cause: "exception", line: 3 });
    expect(await judgeOne(source, { data: { members: [1] } })).toEqual(ALLOWED);
  });

  it.each([
    ...[
      "throw 1",
      "throw null",
      "throw undefined",
      "throw 'text'",
      "throw { get message() { throw 1; } }",
      "throw new Proxy({}, { get() { throw 1; } })",
    ],
    ...[
      "throw Object.assign(new Error('x'), { stack: 'function.js:99999:1' })",
      "throw Object.defineProperty(new Error(), 'stack', { get() { for (;;); } })",
    ],
    ...[
      "return Promise.reject()",
      "return Promise.reject({ allow: true })",
      "class X extends Error { constructor() { super('x'); this.name = 'X'; } } throw new X()",
    ],
  ])("[S8] a function that does this fails: %s", async (statement) => {
    const judgement = await judgeOne(`() => { ${statement}; }`, { sandbox: strict });
    expect(judgement).toMatchObject({ outcome: "failed" });
    expect((judgement as { line?: number }).line ?? 1).toBe(1);
  });

  it("[S8] one failure does not affect the verdicts of other records", async () => {
    const cases = [1, 2, 3, 4].map((n) => toCase({ n }));
    const source = "({ record: { data: { n } } }) => { if (n === 2) throw new Error(); return n !== 3; }";
    expect(await judgeAll(source, cases)).toMatchObject([ALLOWED, { outcome: "failed" }, REFUSED, ALLOWED]);
    const endless = "({ record: { data: { n } } }) => { while (n === 2); return n !== 3; }";
    expect(await judgeAll(endless, cases, { sandbox: strict })).toMatchObject([
      ALLOWED,
      { outcome: "failed", cause: "time" },
      REFUSED,
      ALLOWED,
    ]);
  });
});

describe("isolation", () => {
  it.each([
    ["a variable of the module", "let seen = 0;\nexport default () => { seen += 1; return seen === 1; }"],
    ["a property of the function", "function access() { if (access.seen) return false; access.seen = true; return true; }"],
    ["a global", "() => { if (globalThis.seen) return false; try { globalThis.seen = true; } catch {} return true; }"],
    ["an intrinsic", "() => { if ([].seen) return false; try { Array.prototype.seen = true; } catch {} return true; }"],
    ["an error's prototype", "() => { if (Error.prototype.seen) return false; Error.prototype.seen = true; return true; }"],
    ["a map of the module", "const seen = new Map();\nexport default () => seen.size === 0 && !!seen.set(1, 1);"],
    ["a regular expression", "const r = /a/g;\nexport default () => r.test('a');"],
    [
      "a template",
      "const t = (s) => s;\nexport default () => { const s = t`x`; try { s.seen = 1; } catch {} return s.seen === undefined; }",
    ],
    [
      "a symbol",
      "() => { const s = Symbol.for('seen'); const is = Object.getOwnPropertySymbols(Object.prototype).includes(s); return !is; }",
    ],
    [
      "a promise that settles later",
      "let seen = 0;\nexport default () => { Promise.resolve().then(() => { seen = 1; }); return seen === 0; }",
    ],
  ])("[S8] state in %s does not survive from one record to the next, or from one job to the next", async (_, source) => {
    const cases = Array.from({ length: 5 }, (__, n) => toCase({ n }));
    for (let job = 0; job < 3; job += 1) expect(await judgeAll(source, cases)).toEqual(cases.map(() => ALLOWED));
  });

  it.each([
    ["JSON.parse returns it", "({ record }) => record.data.admin === true"],
    ["Object.assign copies it", "({ record }) => Object.assign({}, record.data).admin === true || ({}).admin === true"],
    [
      "it is merged deeply",
      `({ record, user }) => {
      const merge = (to, from) => { for (const k of Object.keys(from)) { if (typeof from[k] === "object" && typeof to[k] === "object" && to[k]) merge(to[k], from[k]); else to[k] = from[k]; } };
      try { merge({}, record.data); merge([], record.data); merge(function () {}, record.data); } catch {}
      return user.data.admin === true || ({}).admin === true || [].admin === true || (() => 1).admin === true;
    }`,
    ],
    [
      "it is assigned by name",
      `({ record, user }) => {
      const copy = {};
      for (const k in record.data) copy[k] = record.data[k];
      try { copy["constructor"]["prototype"].admin = true; } catch {}
      return copy.admin === true || user.data.admin === true;
    }`,
    ],
  ])("[S8] keys such as __proto__ in data change no verdict when %s", async (_, source) => {
    const data = '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"toString":{"admin":true}}';
    const cases = [{ operation: "read", record: `{"uniqueId":"r1","data":${data},"owner":null}`, input: data }];
    const common = `{"user":{"uniqueId":"u1","data":${data}},"request":{"origin":null,"key":null},"now":1,"__proto__":{"admin":true}}`;
    expect(await judgeAll(source, cases, { common })).toEqual([REFUSED]);
  });

  it.each([
    ...["Date.now() === now", "new Date().getTime() === now", "new Date(5).getTime() === 5", "Date() === new Date(now).toString()"],
    ...["new Date(2020, 0, 1).getTime() === Date.UTC(2020, 0, 1)", "Date.prototype.constructor === Date", "new Date() instanceof Date"],
    ...["new (class extends Date {})().getTime() === now", "new ((new Date(1)).constructor)().getTime() === now"],
    ...["typeof performance === 'undefined'", "typeof WeakRef === 'undefined'", "typeof FinalizationRegistry === 'undefined'"],
    ...[
      "typeof eval === 'undefined'",
      "typeof SharedArrayBuffer === 'undefined'",
      "typeof require === 'undefined'",
      "typeof process === 'undefined'",
    ],
    ...[
      "typeof fetch === 'undefined'",
      "typeof setTimeout === 'undefined'",
      "typeof console === 'undefined'",
      "typeof Atomics === 'undefined'",
    ],
    ...[
      "typeof std === 'undefined'",
      "typeof os === 'undefined'",
      "typeof gc === 'undefined'",
      "typeof print === 'undefined'",
      "typeof queueMicrotask === 'undefined'",
    ],
  ])("[S8] is deterministic and closed: %s", async (condition) => {
    expect(await judgeOne(`({ now }) => ${condition}`)).toEqual(ALLOWED);
  });

  it.each([
    ...[
      "Math.random()",
      "eval('1')",
      "new Function('return 1')()",
      "(() => {}).constructor('return 1')()",
      "(async () => {}).constructor('return 1')()",
    ],
    ...[
      "(function* () {}).constructor('yield 1')()",
      "(async function* () {}).constructor('1')()",
      "Reflect.construct(Function, ['return 1'])()",
    ],
    ...["globalThis.Date = 1", "Date.now = () => 1", "JSON.parse = () => 1", "Promise.prototype.then = () => 1", "Object.prototype.x = 1"],
    ...[
      "Object.setPrototypeOf(Object.prototype, {})",
      "delete globalThis.Date",
      "[].constructor.prototype.x = 1",
      "(() => {}).__proto__.x = 1",
    ],
    ...["await import('fs')", "await import('function.js')"],
  ])("[S8] fails: %s", async (expression) => {
    expect(await judgeOne(`async () => { ${expression}; return true; }`)).toMatchObject({ outcome: "failed", cause: "exception" });
  });

  it("[S8] does the usual things", async () => {
    const source = `class NotAllowed extends Error { constructor(m) { super(m); this.name = "NotAllowed"; } }
      const counts = (texts) => texts.reduce((all, text) => { all[text] = (all[text] ?? 0) + 1; return all; }, {});
      function Point(x) { this.x = x; }
      Point.prototype.toString = function () { return "p" + this.x; };
      export default async ({ record, user }) => {
        const many = counts(["a", "b", "a"]);
        const map = new Map([[1, 2]]);
        const { x, ...rest } = { x: 1, y: 2 };
        const own = { toString: () => "own", constructor: 1 };
        own.valueOf = () => 1;
        try { throw new NotAllowed("x"); } catch (error) { if (error.name !== "NotAllowed" || !(error instanceof Error)) return false; }
        const texts = [..."abc"].map((c) => c.toUpperCase()).join("-");
        return many.a === 2 && map.get(1) === 2 && rest.y === 2 && String(own) === "own" && texts === "A-B-C" && String(new Point(1)) === "p1"
          && /^u\\d$/u.test(user.uniqueId) && Object.hasOwn(record, "owner") && structured(record) && new Intl2().ok;
      };
      const structured = (value) => JSON.stringify(JSON.parse(JSON.stringify(value))) === JSON.stringify(value);
      class Intl2 { get ok() { return true; } }`;
    expect(await judgeOne(source)).toEqual(ALLOWED);
  });
});

describe("hostile functions", () => {
  it.each([
    ["an endless loop", "() => { for (;;); }"],
    ["an endless loop behind a caught error", "() => { try { for (;;); } catch { return true; } }"],
    ["an endless loop in finally", "() => { try { for (;;); } finally { return true; } }"],
    ["endless promises", "async () => { for (;;) await null; }"],
    ["endless promises behind a verdict", "() => { const again = () => Promise.resolve().then(again); again(); return true; }"],
    ["deep recursion", "() => { const f = (n) => f(n + 1) + 1; return f(1) > 0; }"],
    ["deep recursion behind a caught error", "() => { const f = () => { try { f(); } catch { f(); } }; f(); return true; }"],
    ["all memory", "() => { const all = []; for (;;) all.push(new Array(1000).fill({})); }"],
    ["a text of a gigabyte", "() => 'x'.repeat(2 ** 30).length > 0"],
    ["a list that is joined to a gigabyte", "() => new Array(2 ** 30).join('x').length > 0"],
    ["a backtracking expression", "() => /^(a+)+$/.test('a'.repeat(40) + 'b')"],
    ["sorting that never ends", "() => { [...Array(1e6).keys()].sort(() => { for (;;); }); }"],
    ["a thenable that loops", "() => ({ then() { for (;;); } })"],
    ["a result whose proxy loops", "() => new Proxy({}, { getOwnPropertyDescriptor() { for (;;); } })"],
    ["an error whose message loops", "() => { throw { get message() { for (;;); } }; }"],
    ["an endless module", "for (;;);\nexport default () => true"],
    ["a huge big integer", "() => 2n ** (2n ** 40n) > 0n"],
    ["a deep result", "() => { let x = {}; for (let n = 0; n < 1e6; n++) x = { x }; return x; }"],
    ["a storm of finds", "({ find }) => { for (let n = 0; n < 1e9; n++) find('a', { uniqueId: String(n) }); return true; }"],
  ])("[S8] %s fails, and the next call is not affected", async (_, source) => {
    expect(await judgeOne(source, { sandbox: strict })).toMatchObject({ outcome: "failed" });
    expect(await judgeOne("({ record }) => record.data.n === 1", { sandbox: strict, data: { n: 1 } })).toEqual(ALLOWED);
  });
});

describe("find", () => {
  const KEY = '{"endpoint":"rooms","uniqueId":"r","filters":[],"limit":100}';
  const toFound = (records: unknown): [string, string] => [KEY, JSON.stringify({ records })];

  it("[S8] a call that finds waits for the records, and is repeated with them", async () => {
    const source = "async ({ find }) => { const [room] = await find('rooms', { uniqueId: 'r' }); return room.data.open; }";
    expect(await judgeOne(source)).toEqual({ outcome: "waits", finds: [KEY] });
    expect(await judgeOne(source, { found: [toFound([{ data: { open: true } }])] })).toEqual(ALLOWED);
    expect(await judgeOne(source, { found: [toFound([{ data: { open: false } }])] })).toEqual(REFUSED);
    expect(await judgeOne(source, { found: [toFound([])] })).toMatchObject({ outcome: "failed", cause: "exception", line: 1 });
  });

  it("[S8] simultaneous finds wait together, and equal ones are one", async () => {
    const source =
      "async ({ find }) => { const all = await Promise.all([find('rooms', { uniqueId: 'r' }), find('rooms', { uniqueId: 'r' }), find('b', { filter: 'a = 1', limit: 2 })]); return all[0] !== all[1]; }";
    const other = '{"endpoint":"b","uniqueId":null,"filters":["a = 1"],"limit":2}';
    expect(await judgeOne(source)).toEqual({ outcome: "waits", finds: [KEY, other] });
    expect(await judgeOne(source, { found: [toFound([]), [other, '{"records":[]}']] })).toEqual(ALLOWED);
  });

  it("[S8] an error of a find has a status, and can be caught", async () => {
    const error: [string, string] = [KEY, '{"error":{"status":404,"code":"not_found","message":"find: nothing"}}'];
    expect(await judgeOne("async ({ find }) => !!(await find('rooms', { uniqueId: 'r' }))", { found: [error] })).toMatchObject({
      outcome: "failed",
      cause: "exception",
      message: "FindError: find: nothing",
    });
    const caught = "({ find }) => find('rooms', { uniqueId: 'r' }).catch((e) => e.status === 404 && e.code === 'not_found')";
    expect(await judgeOne(caught, { found: [error] })).toEqual(ALLOWED);
  });

  it.each([
    ...[
      "find()",
      "find('a')",
      "find(1, {})",
      "find('a', { id: 1 })",
      "find('a', { uniqueId: 1 })",
      "find('a', { uniqueId: undefined })",
      "find('a', { uniqueId: null })",
      "find('a', { filter: undefined })",
      "find('a', { filter: 1 })",
      "find('a', { filter: [1] })",
    ],
    ...[
      "find('a', { uniqueId: 'r', filter: 'a = 1' })",
      "find('a', { limit: 0 })",
      "find('a', { limit: 101 })",
      "find('a', { limit: 1.5 })",
    ],
    ...["find('a', { limit: '1' })", "find('a', null)", "find('a', { filter: 'x'.repeat(1e6) })", "find({ toString: () => 'a' }, {})"],
  ])("[S8] a wrong call throws: %s", async (call) => {
    expect(await judgeOne(`async ({ find }) => { await ${call}; return true; }`)).toMatchObject({ outcome: "failed", cause: "exception" });
  });

  it("[S8] has 10 calls and 1 MiB for each verdict", async () => {
    const storm = "async ({ find }) => { for (let n = 0; n < 11; n++) await find('rooms', { uniqueId: 'r' }); return true; }";
    const found = [toFound([])];
    expect(await judgeOne(storm, { found })).toMatchObject({ outcome: "failed", cause: "exception" });
    expect(await judgeOne(storm.replace("11", "10"), { found })).toEqual(ALLOWED);
    const large = [toFound(["x".repeat(300_000)])];
    expect(await judgeOne(storm.replace("11", "3"), { found: large })).toEqual(ALLOWED);
    expect(await judgeOne(storm.replace("11", "4"), { found: large })).toMatchObject({ outcome: "failed", cause: "exception" });
  });

  it("[S8] changing a found record affects neither later finds nor later calls", async () => {
    const source =
      "async ({ find }) => { const [a] = await find('rooms', { uniqueId: 'r' }); if (a.seen) return false; a.seen = true; const [b] = await find('rooms', { uniqueId: 'r' }); return !b.seen; }";
    const cases = [1, 2, 3].map((n) => toCase({ n }));
    expect(await judgeAll(source, cases, { found: [toFound([{}])] })).toEqual(cases.map(() => ALLOWED));
  });
});
