/** Problem documents are prepared for common errors. The result must not show it. */
import { describe, expect, it } from "vitest";
import { AppError, type AppErrorOptions, ERRORS, type ErrorCode, toProblem } from "@/src/shared/errors";
import { createRequestId, formatProblem } from "@/src/shared/http/problem";

const CODES = Object.keys(ERRORS) as ErrorCode[];

describe("problem documents", () => {
  it.each(CODES)("[E1] %s has its members in order, with and without a detail, and every time with its own request id", (code) => {
    const cases: AppErrorOptions[] = [{}, { detail: 'of "this" request' }, { fields: { name: "Use a name." } }, { detail: "{requestId}" }];
    for (const options of [...cases, ...cases]) {
      const error = new AppError(code, options);
      const requestId = createRequestId();
      expect(formatProblem(error, requestId).body).toBe(JSON.stringify(toProblem(error, requestId)));
    }
  });

  it("[E1] a document has additional members at its end", () => {
    const error = new AppError("rate_limited");
    expect(formatProblem(error, "req-1", { line: 3 }).body).toBe(JSON.stringify({ ...toProblem(error, "req-1"), line: 3 }));
  });

  it("[E1] request ids have 12 hex digits, and differ", () => {
    const ids = Array.from({ length: 5000 }, createRequestId);
    for (const id of ids) expect(id).toMatch(/^req-[0-9a-f]{12}$/);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe("the stack of an error", () => {
  it("is collected only for errors of the server", () => {
    expect(new AppError("internal_error").stack).toMatch(/\n\s+at /);
    expect(new AppError("key_missing").stack).not.toMatch(/\n\s+at /);
    expect(new Error("another").stack).toMatch(/\n\s+at /);
  });
});
