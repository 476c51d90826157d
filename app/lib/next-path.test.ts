import { expect, test } from "vitest";
import { toNextPath } from "./next-path";

test("[G1] after signing in one goes to a path of this server only", () => {
  expect(toNextPath("/p/1/keys?x=1#y")).toBe("/p/1/keys?x=1#y");
  for (const asked of [
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
    expect(toNextPath(asked)).toBe("/");
  }
});
