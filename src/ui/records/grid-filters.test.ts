import { describe, expect, it } from "vitest";
import { parseRecordFilter } from "@/src/shared/streams/record-filter";
import { toGridFilters } from "./grid-filters";

const filters = (text: string) => {
  const result = toGridFilters(text);
  return result.ok ? result.filters : result.problem;
};

describe("[F19] [G27] filters of the grid", () => {
  it("are the conditions of an expression, in a form that the server reads", () => {
    expect(filters("age >= 21")).toEqual(["age >= 21"]);
    expect(filters('name = "Ada" & tags[0] = new user.mail exists')).toEqual(['name = "Ada"', 'tags["0"] = "new"', "user.mail exists"]);
    expect(filters("-(age = 1) & -(b exists)")).toEqual(["age != 1", "b missing"]);
    expect(filters("price = 12345678901234567890.10")).toEqual(["price = 12345678901234567890.10"]);
    for (const text of ['name = "Ada"', 'tags["0"] = "new"', "user.mail exists", "age != 1"]) expect(parseRecordFilter(text).ok).toBe(true);
    expect(parseRecordFilter('tags["0"] = "new"')).toMatchObject({ ok: true, filter: { path: ["tags", "0"] } });
  });

  it("take a text as the search", () => {
    expect(toGridFilters("ada & age > 1")).toEqual({ ok: true, filters: ["age > 1"], search: "ada" });
    expect(toGridFilters("id:0a1b")).toEqual({ ok: true, filters: [], search: "0a1b" });
  });

  it("are refused with the column of what is wrong", () => {
    expect(filters("temperature >>")).toMatch(/^Column \d+: /);
    expect(filters("age > 1 & (")).toMatch(/^Column \d+: /);
    for (const text of ["", "a = 1 | b = 2", "/x/", "op:delete", "size > 1kb", '"one" & "two"', "-(a > 1)"])
      expect(filters(text)).toEqual(expect.any(String));
  });
});
