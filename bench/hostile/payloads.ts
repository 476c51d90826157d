/** Expressions and bodies that cost the server more than the sender. */
import { gzipSync } from "node:zlib";

export const EXPRESSIONS = [
  "( $f := function($n){ $f($n + 1) }; $f(1) )",
  "( $f := function($n){ $f($n) + 1 }; $f(1) )",
  "$contains($join($map([1..40], function($i){'a'})) & 'b', /^(a+)+$/)",
  "$pad('x', 1000000000)",
  "$map([1..10000000], function($i){ {'n': $i} })",
  "$sort([1..1000000], function($a, $b){ $a < $b })",
  "( $x := [1..3000]; $count($x.($x)) )",
  "$pad('x', 8000000)",
  "$map([1..200], function($i){ $$ })",
  "$eval($string($))",
  "$[",
] as const;

/** Sources of access functions. */
export const FUNCTIONS: readonly string[] = [
  "() => { for (;;); }",
  "() => { const all = []; for (;;) all.push(new Array(1000).fill({})); }",
  "() => 'x'.repeat(2 ** 29).length > 0",
  "() => /^(a+)+$/.test('a'.repeat(40) + 'b')",
  "async () => { for (;;) await null; }",
  "async ({ find }) => { for (let n = 0; n < 10; n++) await find('bench/functions', { filter: 'n != ' + n, limit: 100 }); return false; }",
  "({ find, record }) => Promise.all([...Array(10).keys()].map((n) => find('bench/functions', { filter: ['note ~ ' + record.uniqueId, 'n != ' + n] })))",
  "() => { const f = (n) => f(n + 1) + 1; return f(1) > 0; }",
];

const MB = 1024 * 1024;
const BOUNDARY = "hostile";
const toPart = (index: number) => `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="../${index}"\r\n\r\n`;
const JSON_TYPE = { "Content-Type": "application/json" };
const FORM_TYPE = { "Content-Type": `multipart/form-data; boundary=${BOUNDARY}` };

/** A POST. `pieces` are sent one after the other; `isCutOff` closes the connection in the middle. */
interface HostileBody {
  headers: Record<string, string>;
  pieces: readonly (string | Buffer)[];
  isCutOff?: boolean;
}

export const BODIES: readonly HostileBody[] = [
  { headers: JSON_TYPE, pieces: ["[".repeat(MB)] },
  { headers: JSON_TYPE, pieces: ['{"a":'.repeat(100_000), "1", "}".repeat(100_000)] },
  { headers: JSON_TYPE, pieces: [`[${"{},".repeat(300_000)}{}`] },
  { headers: JSON_TYPE, pieces: [JSON.stringify("\u0000".repeat(100_000))] },
  { headers: JSON_TYPE, pieces: Array.from({ length: 16 }, () => " ".repeat(MB)) },
  { headers: { ...JSON_TYPE, "Content-Encoding": "gzip" }, pieces: [gzipSync(Buffer.alloc(64 * MB))] },
  { headers: FORM_TYPE, pieces: [Array.from({ length: 11 }, (_, index) => `${toPart(index)}x\r\n`).join(""), `--${BOUNDARY}--\r\n`] },
  { headers: FORM_TYPE, pieces: [toPart(1), ...Array.from({ length: 101 }, () => Buffer.alloc(MB))] },
  { headers: FORM_TYPE, pieces: [toPart(1), ...Array.from({ length: 8 }, () => Buffer.alloc(MB))], isCutOff: true },
  { headers: FORM_TYPE, pieces: [`--${BOUNDARY}\r\n\r\n`, "x".repeat(1_000)] },
];

export function* toBody(pieces: HostileBody["pieces"], isCutOff: boolean): Generator<string | Buffer, void> {
  yield* pieces;
  if (isCutOff) throw new Error("cut off");
}
