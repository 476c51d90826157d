/** Tests that the database and browsers compare text in the same way (G13). */
import fc from "fast-check";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toCandidate } from "@/src/management/search/filter-sql";
import { toSearchRun } from "@/src/management/search/search-run";
import { foldText, normalizeText, toSearchText } from "@/src/shared/text/fold-text";
import { createTestDatabase, type TestDatabase } from "@/tests/support/servers/database";

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

const TEXTS = 3000;
/** Characters of unusual case, composition or spelling, among ordinary ones. */
const ODD = [
  ...'aeikosSJ θσςΣİıIẞßÅåéÉйЙ;`/\\"\n\t\u0007\u212a\u2126\u212b\u037e\u1fef\u0301\u0307\u030c\u0323\u0308\u0345\u093c\u0915\u0958',
];
const HALVES = ["\ud83d", "\ude00", "\ud801", "\udc00"];
const character = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...ODD, ..."가각ᄀ\u1161\u11a8") },
  { weight: 1, arbitrary: fc.constantFrom(...HALVES) },
  // Blocks to which Unicode no longer adds cased letters.
  {
    weight: 4,
    arbitrary: fc
      .oneof(fc.integer({ min: 0x20, max: 0x2fff }), fc.integer({ min: 0xf900, max: 0xffef }))
      .map((code) => String.fromCodePoint(code)),
  },
);
const text = fc.array(character, { maxLength: 12 }).map((parts) => parts.join(""));
/** The JSON of a text in which some characters are escaped unnecessarily. */
const json = fc.tuple(text, fc.infiniteStream(fc.integer({ min: 0, max: 4 }))).map(([value, choices]) => {
  const units = Array.from({ length: value.length }, (_, at) => {
    const unit = value.charCodeAt(at);
    const hex = unit.toString(16).padStart(4, "0");
    const choice = choices.next().value;
    if (choice === 0) return `\\u${hex}`;
    if (choice === 1) return `\\u${hex.toUpperCase()}`;
    return undefined;
  });
  let written = '"';
  for (let at = 0; at < value.length; at += 1) {
    const isPair = /^[\ud800-\udbff][\udc00-\udfff]/.test(value.slice(at, at + 2));
    if (isPair && units[at] === undefined) {
      written += value.slice(at, at + 2);
      at += 1;
    } else if (isPair) {
      written += `${units[at]}\\u${value.charCodeAt(at + 1).toString(16)}`;
      at += 1;
    } else written += units[at] ?? JSON.stringify(value[at] ?? "").slice(1, -1);
  }
  return `${written}"`;
});

describe("[G13] the same result in the database and in browsers", () => {
  const texts = fc.sample(json, { numRuns: TEXTS, seed: 9 });
  const ask = async (expression: string, others: readonly (string | null)[] = []): Promise<unknown[]> => {
    const statement = `SELECT ${expression} AS found FROM unnest($1::text[], $2::text[]) WITH ORDINALITY t (json, other, n) ORDER BY n`;
    return (await client.query<{ found: unknown }>(statement, [texts, texts.map((_, index) => others[index] ?? null)])).rows.map(
      ({ found }) => found,
    );
  };

  it("for the searched text", async () => {
    const found = await ask("search_text(json)");
    const wrong = texts.filter((each, index) => found[index] !== toSearchText(each)).map((each) => escapeAll(each));
    expect(wrong).toEqual([]);
  });

  it("for the text that filters compare", async () => {
    const found = await ask(`readable_json(json)::json #>> '{}'`);
    const wrong = texts.filter((each, index) => found[index] !== normalizeText(JSON.parse(each)).replaceAll("\0", "\ufffd")).map(escapeAll);
    expect(wrong).toEqual([]);
  });

  it("no record that contains the text is missed", async () => {
    const needles = texts.map((each, index) => {
      const whole = [...foldText(toSearchText(each)).slice(1, -1)];
      const start = index % Math.max(1, whole.length - 2);
      return whole.slice(start, start + 1 + (index % 4)).join("");
    });
    const runs = needles.map((each) => toSearchRun(each) ?? null);
    const bind = () => "other";
    // The condition depends on whether the run is ASCII.
    const found = await ask(
      `CASE WHEN other ~ '^[\\x01-\\x7f]*$' THEN ${toCandidate("json", "a", bind)} ELSE ${toCandidate("json", "ä", bind)} END`,
      runs,
    );
    const wrong = texts.filter(
      (each, index) => runs[index] !== null && toSearchText(each).includes(needles[index] ?? "") && found[index] !== true,
    );
    expect(wrong.map(escapeAll)).toEqual([]);
    expect(runs.filter((each) => each !== null).length).toBeGreaterThan(TEXTS / 3);
  });
});

function escapeAll(value: string): string {
  return value.replace(/[^ -~]/g, (each) => `{${each.charCodeAt(0).toString(16)}}`);
}

describe("[G13] a record that is constructed to be slow", () => {
  const RUN = 400_000;
  it.each([
    ["two kinds of marks", "\u0301".repeat(RUN / 2) + "\u0323".repeat(RUN / 2)],
    ["marks of several blocks", "\u0301\u1dce".repeat(RUN / 4) + "\u0323\u{1d165}".repeat(RUN / 4)],
  ])("does not delay a search by its long run of %s, and is found in its own spelling", async (_, marks) => {
    const json = JSON.stringify(`Na\u0301me ${marks}`);
    const { rows } = await client.query<{ found: string; readable: string }>(
      "SELECT search_text($1) AS found, readable_json($1) AS readable",
      [json],
    );
    expect(rows[0]?.found === toSearchText(json)).toBe(true);
    expect(rows[0]?.readable === json).toBe(true);
    expect(toSearchText(json).startsWith('"na\u0301me')).toBe(true);
  });
});
