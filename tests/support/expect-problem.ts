/** Checks the form of every error of the data plane (E1). */
import { expect } from "vitest";
import { ERRORS, type ErrorCode } from "@/src/shared/errors";

interface Answer {
  status: number;
  headers: Headers;
  text(): Promise<string>;
}

/** Asserts that the response is the complete problem document of `code`, without internal text. Returns its `detail`. */
export async function expectProblem(answer: Answer, code: ErrorCode): Promise<string> {
  const text = await answer.text();
  const problem: Record<string, unknown> = JSON.parse(text);
  expect(problem).toEqual({
    type: `urn:rested:error:${code}`,
    title: ERRORS[code].message,
    status: ERRORS[code].status,
    detail: expect.any(String),
    code,
    requestId: expect.stringMatching(/^req-[0-9a-f]{12}$/),
    retryable: ERRORS[code].retryable,
  });
  expect(answer.status).toBe(ERRORS[code].status);
  expect(answer.headers.get("content-type")).toBe("application/problem+json; charset=utf-8");
  expect(answer.headers.get("cache-control")).toMatch(/^no-store(?:, no-transform)?$/);
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  expect(answer.headers.get("x-request-id")).toBe(problem.requestId);
  expect(answer.headers.get("content-length")).toBe(String(Buffer.byteLength(text)));
  expect(text).not.toMatch(/prisma|postgres|sql|node_modules|\.ts:|stack/i);
  return String(problem.detail);
}
