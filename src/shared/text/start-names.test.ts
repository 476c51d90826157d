import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { endpointNameProblem, projectNameProblem } from "@/src/shared/text/names";
import { startNames } from "@/src/shared/text/start-names";

describe("startNames", () => {
  it.each([
    ["Temperature readings", "Temperature readings", "temperature-readings"],
    ["Température: été!", "Température été", "temperature-ete"],
    ["My Sensors!", "My Sensors", "my-sensors"],
    ["温度", "温度", "data"],
    ["Что? Где?", "Что Где", "data"],
    ["Grüße & Küsse", "Grüße Küsse", "grusse-kusse"],
    ["Ada's cats", "Ada s cats", "adas-cats"],
    ["می‌خواهم", "می‌خواهم", "data"],
    ["a​b", "ab", "a-b"],
    ["cats", "cats", "cats"],
    ["7", "7", "7"],
    ["orders / paid", "orders paid", "orders/paid"],
    ["--a--b--c--", "a--b--c", "a-b-c"],
    ["a//b//c", "a b c", "a/b/c"],
  ])("[U2] creates valid names from %j", (text, project, endpoint) => {
    expect(startNames(text)).toEqual({ project, endpoint });
  });

  it.each(["", "  ", "🚲", "!!!", "/-/"])("is undefined for %j, which has no letter or digit", (text) => {
    expect(startNames(text)).toBeUndefined();
  });

  it("[U2] creates only valid names, and always one if there is a letter or digit", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), (text) => {
        const names = startNames(text);
        if (names === undefined) return;
        expect(endpointNameProblem(names.endpoint)).toBeUndefined();
        expect(projectNameProblem(names.project)).toBeUndefined();
      }),
    );
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (text) => {
        expect(startNames(`${text}x`)).toBeDefined();
      }),
    );
  });
});
