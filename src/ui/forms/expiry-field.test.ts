import { expect, test } from "vitest";
import { toExpiresAt } from "./expiry-field";

test("[G3] an expiry is never, a number of days from now, or the end of a day", () => {
  const nowMs = Date.parse("2030-01-01T12:00:00Z");
  expect(toExpiresAt({ choice: "none", date: "", nowMs })).toBeNull();
  expect(toExpiresAt({ choice: "30", date: "", nowMs })).toBe("2030-01-31T12:00:00.000Z");
  expect(toExpiresAt({ choice: "365", date: "2031-05-05", nowMs })).toBe("2031-01-01T12:00:00.000Z");
  expect(toExpiresAt({ choice: "date", date: "2030-02-03", nowMs })).toBe(new Date(2030, 1, 3, 23, 59, 59).toISOString());
  expect(toExpiresAt({ choice: "date", date: "", nowMs })).toBe("");
});
