/** Answers that are not the server's: a captive portal's page, a proxy's sign-in page, half an answer (W9, E1). */
import { describe, expect, it } from "vitest";
import { ANSWERED_ELSEWHERE, isJsonType, isUnanswered, RequestError, readJson, readProblem, refusePage } from "./request-error";

const answer = (body: string, type: string, status = 200) => new Response(body, { status, headers: { "Content-Type": type } });
const PAGE = answer("<html>Welcome to the hotel</html>", "text/html; charset=utf-8");
const ELSEWHERE = expect.objectContaining({ code: "unreadable", message: ANSWERED_ELSEWHERE });

describe("answers from elsewhere", () => {
  it.each([
    ["application/json", true],
    ["application/problem+json; charset=utf-8", true],
    ["Application/JSON;charset=utf-8", true],
    ["text/html", false],
    ["text/json-like", false],
    ["application/jsonp", false],
    [null, false],
  ])("[E1] %s is a type of our answers: %s", (type, isOurs) => {
    expect(isJsonType(type)).toBe(isOurs);
  });

  it("[E1] a page with 200 is not an answer, nor is text that claims to be JSON", async () => {
    await expect(readJson(PAGE.clone())).rejects.toEqual(ELSEWHERE);
    await expect(readJson(answer("<html>", "application/json"))).rejects.toEqual(ELSEWHERE);
    await expect(readJson(answer('{"a":1}', "application/json"))).resolves.toEqual({ a: 1 });
    expect(() => refusePage(PAGE)).toThrow(RequestError);
    expect(() => refusePage(answer("a,b", "text/csv"))).not.toThrow();
  });

  it.each([401, 403, 404, 511])("[E1] a page with %i is one as well, and may pass", async (status) => {
    const error = await readProblem(answer("<html>", "text/html", status));
    expect(error).toEqual(ELSEWHERE);
    expect(isUnanswered(error)).toBe(true);
  });

  it("[E1] a problem of the server is not", async () => {
    const problem = { code: "not_found", detail: "Nothing was found at this address.", requestId: "req-1" };
    const error = await readProblem(answer(JSON.stringify(problem), "application/problem+json", 404));
    expect([error.code, isUnanswered(error)]).toEqual(["not_found", false]);
  });
});
