/** Property-based tests of records during concurrent writes: any JSON, any sequence of PUTs, any pages. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jsonObjectTexts, jsonTexts } from "@/tests/support/json-texts";
import { isObject, mergeValues } from "@/tests/support/merge-values";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";

const JSON_TYPE = "application/json";
const TEXT_TYPE = "text/plain";

let server: DataServer;

beforeAll(async () => {
  server = await createDataServer();
});
afterAll(() => server.close());

interface Answer {
  status: number;
  text: string;
  /** The code of an error. */
  code: string | undefined;
  link: string | null;
}

async function call(seed: Seed, method: string, query = "", body?: { type: string; text: string }): Promise<Answer> {
  const init = body ? { body: body.text, headers: { "Content-Type": body.type } } : {};
  const answer = await fetch(`${server.origin}${seed.path}${query}`, { method, ...init });
  const text = await answer.text();
  const code: unknown = answer.ok ? undefined : JSON.parse(text).code;
  return { status: answer.status, text, code: typeof code === "string" ? code : undefined, link: answer.headers.get("link") };
}

async function create(seed: Seed, text: string): Promise<string> {
  const answer = await call(seed, "POST", "", { type: JSON_TYPE, text });
  expect(answer.status).toBe(201);
  return JSON.parse(answer.text).uniqueId;
}

describe("any JSON", () => {
  it("[R1] [R2] [R3] is returned exactly as sent: by POST, by GET of it and of all records, and by DELETE", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(jsonTexts(), { minLength: 1, maxLength: 4 }), async (texts) => {
        const seed = await server.seed();
        const ids: string[] = [];
        for (const text of texts) {
          const created = await call(seed, "POST", "", { type: JSON_TYPE, text });
          expect(created.text).toContain(`"data":${text},"createdAt"`);
          ids.push(JSON.parse(created.text).uniqueId);
        }
        expect((await call(seed, "GET", "&dataOnly=true")).text).toBe(`[${texts.join(",")}]`);
        for (const [index, id] of ids.entries()) {
          expect((await call(seed, "GET", `&uniqueId=${id}&dataOnly=true`)).text).toBe(`[${texts[index]}]`);
          expect((await call(seed, "DELETE", `&uniqueId=${id}&dataOnly=true`)).text).toBe(texts[index]);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("[R8] is the same in bulk", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(jsonTexts(), { maxLength: 8 }), async (texts) => {
        const seed = await server.seed();
        const text = `[${texts.join(",")}]`;
        expect((await call(seed, "POST", "&bulk=true&dataOnly=true", { type: JSON_TYPE, text })).text).toBe(text);
        expect((await call(seed, "GET", "&dataOnly=true")).text).toBe(text);
      }),
      { numRuns: 40 },
    );
  });
});

/** A PUT: its body and its strategy. */
interface Put {
  strategy: "force" | "replace" | "merge";
  type: typeof JSON_TYPE | typeof TEXT_TYPE;
  text: string;
}

/** A record by the rules, as it must be stored. */
interface Model {
  type: Put["type"];
  value: unknown;
}

/** R4 on values: the record after a PUT, or the error that leaves it unchanged. */
function apply(model: Model, { strategy, type, text }: Put): Model | string {
  const value: unknown = type === JSON_TYPE ? JSON.parse(text) : text;
  switch (strategy) {
    case "force":
      return { type, value };
    case "replace":
      return type === model.type ? { type, value } : "type_mismatch";
    case "merge":
      return type === JSON_TYPE && isObject(value) && isObject(model.value)
        ? { type, value: mergeValues(model.value, value) }
        : "merge_needs_objects";
  }
}

describe("any sequence of PUTs", () => {
  const json = fc.record({ type: fc.constant(JSON_TYPE), text: fc.oneof(jsonObjectTexts(), jsonTexts()) } as const);
  // A body of only white space is empty (R13).
  const plain = fc.record({
    type: fc.constant(TEXT_TYPE),
    text: fc.string({ unit: "grapheme", minLength: 1 }).map((text) => `.${text}`),
  } as const);
  const puts = fc.array(
    fc.tuple(fc.constantFrom<Put["strategy"]>("force", "replace", "merge", "merge"), fc.oneof({ arbitrary: json, weight: 4 }, plain)),
    { minLength: 1, maxLength: 6 },
  );

  it("[R4] produces the record of the rules, counts each success, and changes nothing on an error", async () => {
    const seed = await server.seed();
    await fc.assert(
      fc.asyncProperty(jsonObjectTexts(), puts, async (first, sequence) => {
        const id = await create(seed, first);
        let model: Model = { type: JSON_TYPE, value: JSON.parse(first) };
        let version = 1;
        for (const [strategy, body] of sequence) {
          const expected = apply(model, { strategy, ...body });
          const answer = await call(seed, "PUT", `&uniqueId=${id}&strategy=${strategy}&dataOnly=true`, body);
          if (typeof expected === "string") expect(answer).toMatchObject({ status: 400, code: expected });
          else {
            version += 1;
            model = expected;
            expect(answer.status).toBe(200);
            if (body.type === JSON_TYPE && strategy !== "merge") expect(answer.text).toBe(body.text);
          }
          const stored = await call(seed, "GET", `&uniqueId=${id}&dataOnly=true`);
          expect(JSON.parse(stored.text)).toEqual([model.value]);
        }
        const { rows } = await server.pool.query<{ version: number }>(`SELECT version FROM "Record" WHERE id = $1`, [id]);
        expect(rows).toEqual([{ version }]);
      }),
      { numRuns: 60 },
    );
  });
});

/** Where the next page begins. Undefined if there is none. */
function cursorOf({ link }: Answer): string | undefined {
  if (link === null) return undefined;
  return new URL(link.slice(1, link.indexOf(">")), server.origin).searchParams.get("cursor") ?? undefined;
}

/** Concurrent changes while a page is read. */
type Meanwhile = { what: "create" } | { what: "update" | "delete"; which: number };

describe("any pages", () => {
  const meanwhile: fc.Arbitrary<Meanwhile> = fc.oneof(
    fc.constant({ what: "create" } as const),
    fc.record({ what: fc.constantFrom("update" as const, "delete" as const), which: fc.nat(30) }),
  );

  it("[R3] contain each continuously existing record exactly once, in order, whatever is written in the meantime", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 12 }),
        fc.integer({ min: 1, max: 5 }),
        fc.constantFrom("asc", "desc"),
        fc.array(fc.array(meanwhile, { maxLength: 4 }), { maxLength: 8 }),
        async (count, limit, order, script) => {
          const seed = await server.seed();
          const ids: string[] = [];
          for (let n = 0; n < count; n++) ids.push(await create(seed, String(n)));
          const lasting = new Set(ids);
          const write = async (one: Meanwhile): Promise<void> => {
            if (one.what === "create") {
              ids.push(await create(seed, "null"));
              return;
            }
            const id = ids[one.which % Math.max(ids.length, 1)];
            if (id === undefined) return;
            if (one.what === "delete") {
              lasting.delete(id);
              await call(seed, "DELETE", `&uniqueId=${id}`);
            } else await call(seed, "PUT", `&uniqueId=${id}`, { type: JSON_TYPE, text: '"new"' });
          };

          const seen: string[] = [];
          let query: string | undefined = `&limit=${limit}&order=${order}`;
          for (let page = 0; query !== undefined; page++) {
            // Concurrent: the page may be read before, between or after the writes.
            const [answer]: readonly [Answer, ...unknown[]] = await Promise.all([
              call(seed, "GET", query),
              ...(script[page] ?? []).map(write),
            ]);
            expect(answer.status).toBe(200);
            seen.push(...JSON.parse(answer.text).map(({ uniqueId }: { uniqueId: string }) => uniqueId));
            const cursor = cursorOf(answer);
            query = cursor === undefined ? undefined : `&limit=${limit}&order=${order}&cursor=${encodeURIComponent(cursor)}`;
          }

          expect(new Set(seen).size, "none twice").toBe(seen.length);
          expect(
            [...lasting].filter((id) => !seen.includes(id)),
            "none missing",
          ).toEqual([]);
          expect(
            seen.filter((id) => !ids.includes(id)),
            "none that never was",
          ).toEqual([]);
          const first = seen.filter((id) => ids.indexOf(id) < count).map((id) => ids.indexOf(id));
          expect(first).toEqual(first.toSorted((left, right) => (order === "asc" ? left - right : right - left)));
        },
      ),
      { numRuns: 60 },
    );
  });
});
