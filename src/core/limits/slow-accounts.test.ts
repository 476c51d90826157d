import { expect, it } from "vitest";
import { createSlowAccounts } from "./slow-accounts";

it("[H7] [M2] an account stays slow for ten minutes after its last slow request", () => {
  let now = 0;
  const slow = createSlowAccounts({ max: 10, now: () => now });
  slow.mark("a");
  now = 599_999;
  expect(slow.has("a")).toBe(true);
  slow.mark("a");
  now = 1_199_998;
  expect([slow.has("a"), slow.has("b"), slow.list()]).toEqual([true, false, ["a"]]);
  now = 1_199_999;
  expect([slow.has("a"), slow.list()]).toEqual([false, []]);
});

it("[H7] [M2] one account too many replaces the one that was marked first", () => {
  const slow = createSlowAccounts({ max: 2, now: () => 0 });
  for (const account of ["a", "b", "a", "c"]) slow.mark(account);
  expect(slow.list()).toEqual(["a", "c"]);
});
