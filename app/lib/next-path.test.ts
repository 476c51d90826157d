import { expect, test } from "vitest";
import { toNextPath } from "./next-path";

test("[G1] signing in leads only to paths of this server", () => {
  expect(toNextPath("/p/1/keys?x=1#y")).toBe("/p/1/keys?x=1#y");
  for (const requested of [
    undefined,
    "",
    "p",
    "//evil.example",
    "/\\evil.example",
    "https://evil.example",
    "/a\\b",
    "/\t/evil.example",
    ["/a"],
  ]) {
    expect(toNextPath(requested)).toBe("/");
  }
});
