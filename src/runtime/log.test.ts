import { describe, expect, it } from "vitest";
import { toLoggedError } from "./log";

describe("toLoggedError", () => {
  it("[E2] keeps the explanation of an error and drops attached objects", () => {
    const error = Object.assign(new Error("the statement failed", { cause: new TypeError("why") }), {
      code: "57P01",
      client: { connectionParameters: { password: "secret" } },
      parameters: ["what somebody sent"],
    });
    const logged = toLoggedError(error);
    expect(logged).toMatchObject({
      name: "Error",
      message: "the statement failed",
      code: "57P01",
      cause: { name: "TypeError", message: "why" },
    });
    expect(logged.stack).toContain("log.test.ts");
    expect(JSON.stringify(logged)).not.toMatch(/secret|somebody/);
  });

  it("handles circular causes, and values that are not errors", () => {
    const error = new Error("round");
    error.cause = error;
    expect(JSON.stringify(toLoggedError(error)).match(/"round"/g)).toHaveLength(6);
    expect(toLoggedError("just text")).toEqual({ name: "string", message: "just text" });
  });
});
