/** Tests the credentials in bodies: which name is compared, and that the data never contains a password. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyUserPatch, parseRegistration, parseUserPatch, passwordProblem, toComparedName } from "@/src/core/users/credentials";
import { PUT_STRATEGIES } from "@/src/shared/streams/protocol";

const json = (data: string) => ({ contentType: "json", data }) as const;
/** JSON text, so that keys can repeat; `"password"` in different spellings. */
const key = fc.constantFrom('"password"', '"p\\u0061ssword"', '"currentPassword"', '"Password"', '"a"', '"b"', '"__proto__"');
const value = fc.oneof(
  fc.constant('"the-secret"'),
  fc.jsonValue({ maxDepth: 2 }).map((one) => JSON.stringify(one)),
);
const member = fc.tuple(key, value, fc.constantFrom("", " ", "\n")).map(([k, v, space]) => `${k}${space}:${space}${v}`);
const members = fc.array(member, { maxLength: 6 });
const strategy = fc.constantFrom(...PUT_STRATEGIES);

describe("credentials", () => {
  it("[L1] removes passwords from the data and keeps everything else", () => {
    fc.assert(
      fc.property(members, members, (before, after) => {
        const body = `{${[...before, '"username":"ada"', ...after, '"password":"the-secret"'].join(",")}}`;
        const { name, password, data } = parseRegistration(json(body));
        expect([name, password]).toEqual(["ada", "the-secret"]);
        const { password: _, currentPassword: __, ...rest } = JSON.parse(body);
        expect(JSON.stringify(JSON.parse(data))).toBe(JSON.stringify(rest));
      }),
    );
  });

  it("[L4] a change keeps the name and stores no password, for every strategy", async () => {
    const names = fc.constantFrom(undefined, '"username":"Eve"', '"email":"eve@example.com"');
    await fc.assert(
      fc.asyncProperty(members, names, strategy, async (sent, name, by) => {
        // Passwords of another form are rejected earlier.
        const fit = sent.filter((one) => !/^"(p(\\u0061|a)ssword|currentPassword)"/.test(one) || one.endsWith('"the-secret"'));
        const patch = parseUserPatch(json(`{${[...fit, ...(name ? [name] : [])].join(",")}}`));
        const data = JSON.parse(await applyUserPatch('{"a":1,"username":"ada","c":3}', patch, by));
        expect(Object.keys(data).filter((one) => one === "password" || one === "currentPassword")).toEqual([]);
        expect([data.username, data.email]).toEqual(
          name === undefined ? ["ada", undefined] : name.includes("email") ? [undefined, "eve@example.com"] : ["Eve", undefined],
        );
      }),
    );
  });

  it("[L1] the compared form of a name is stable", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (name) => {
        expect(toComparedName(toComparedName(name))).toBe(toComparedName(name));
      }),
    );
    expect(toComparedName(" \u212b\ufb01E\u0301 ")).toBe("\u00e5fi\u00e9");
  });

  it("[L1] rejects a too long name by its length, before normalizing it, which could take minutes", () => {
    const username = "a".concat("\u0301".repeat(250_000), "\u0323".repeat(250_000));
    for (const parse of [parseRegistration, parseUserPatch]) {
      expect(() => parse(json(JSON.stringify({ username, password: "the-secret" })))).toThrow(
        expect.objectContaining({ code: "credentials_invalid" }),
      );
    }
  });

  it("[L1] counts passwords in characters", () => {
    expect([passwordProblem("😀".repeat(5)), passwordProblem("😀".repeat(6))]).toEqual([expect.any(String), undefined]);
    expect([passwordProblem("😀".repeat(1000)), passwordProblem("😀".repeat(1001))]).toEqual([undefined, expect.any(String)]);
  });
});
