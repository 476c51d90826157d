/** Responses that are not from the server: a captive portal's page, a proxy's sign-in page, a truncated response (W9, E1). */
import { describe, expect, it } from "vitest";
import { INTERCEPTED, isJsonType, isTransportError, RequestError, readJson, readProblem, rejectPage } from "./request-error";

const respond = (body: string, type: string, status = 200) => new Response(body, { status, headers: { "Content-Type": type } });
const PAGE = respond("<html>Welcome to the hotel</html>", "text/html; charset=utf-8");
const ELSEWHERE = expect.objectContaining({ code: "unreadable", message: INTERCEPTED });

describe("responses from elsewhere", () => {
  it.each([
    ["application/json", true],
    ["application/problem+json; charset=utf-8", true],
    ["Application/JSON;charset=utf-8", true],
    ["text/html", false],
    ["text/json-like", false],
    ["application/jsonp", false],
    [null, false],
  ])("[E1] %s is a content type of the API: %s", (type, isOurs) => {
    expect(isJsonType(type)).toBe(isOurs);
  });

  it("[E1] a page with 200 is rejected, and so is text that claims to be JSON", async () => {
    await expect(readJson(PAGE.clone())).rejects.toEqual(ELSEWHERE);
    await expect(readJson(respond("<html>", "application/json"))).rejects.toEqual(ELSEWHERE);
    await expect(readJson(respond('{"a":1}', "application/json"))).resolves.toEqual({ a: 1 });
    expect(() => rejectPage(PAGE)).toThrow(RequestError);
    expect(() => rejectPage(respond("a,b", "text/csv"))).not.toThrow();
  });

  it.each([401, 403, 404, 511])("[E1] a page with %i is rejected too, and the request can be retried", async (status) => {
    const error = await readProblem(respond("<html>", "text/html", status));
    expect(error).toEqual(ELSEWHERE);
    expect(isTransportError(error)).toBe(true);
  });

  it("[E1] a problem from the server is not an interception", async () => {
    const problem = { code: "not_found", detail: "Nothing was found at this address.", requestId: "req-1" };
    const error = await readProblem(respond(JSON.stringify(problem), "application/problem+json", 404));
    expect([error.code, isTransportError(error)]).toEqual(["not_found", false]);
  });
});
