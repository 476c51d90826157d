/** Tests what the access decision reads from a URL and its headers. */
import { describe, expect, it } from "vitest";
import { type Operation, type RequestHeaders, toAccessRequest } from "@/src/core/access/access-request";

const of = (query: string, headers: RequestHeaders = {}, operation: Operation = "read") =>
  toAccessRequest({
    address: { version: "1", endpointName: "some/endpoint", query },
    parameters: new URLSearchParams(query),
    headers,
    operation,
  });

describe("toAccessRequest", () => {
  it("[U1] reads the version, the name, the key and the origin", () => {
    expect(of("?key=abc&other=1", { origin: "https://a.example" }, "create")).toEqual({
      version: "1",
      endpointName: "some/endpoint",
      key: "abc",
      origin: "https://a.example",
      headers: { origin: "https://a.example" },
      operation: "create",
    });
  });

  it.each<[string, string, RequestHeaders, string | undefined, true | undefined]>([
    ["the header", "", { "x-api-key": "k" }, "k", undefined],
    ["the header beside an empty parameter", "?key=", { "x-api-key": "k" }, "k", undefined],
    ["the same twice", "?key=k", { "x-api-key": "k" }, "k", undefined],
    ["two different ones", "?key=k", { "x-api-key": "l" }, "k", true],
    ["an empty header", "?key=k", { "x-api-key": "" }, "k", undefined],
    ["none", "", {}, undefined, undefined],
  ])("[U3] key: %s", (_what, query, headers, key, hasTwoKeys) => {
    for (const operation of ["read", "subscribe"] as const) {
      const request = of(query, headers, operation);
      expect([request.key, request.hasTwoKeys]).toEqual([key, hasTwoKeys]);
    }
  });

  it.each<[string, string, RequestHeaders, string | undefined]>([
    ["none", "", {}, undefined],
    ["the parameter", "?masterKey=m", {}, "m"],
    ["the header", "", { "x-master-key": "m" }, "m"],
    ["the same twice", "?masterKey=m", { "x-master-key": "m" }, "m"],
    ["two different ones", "?masterKey=m", { "x-master-key": "n" }, ""],
    ["two different parameters", "?masterKey=m&masterKey=n", {}, ""],
    ["an empty one", "?masterKey=", {}, ""],
  ])("[U6] master key: %s", (_what, query, headers, masterKey) => {
    expect(of(query, headers)?.masterKey).toBe(masterKey);
  });

  it.each<[string, string, RequestHeaders, Operation, string | undefined]>([
    ["the header", "", { authorization: "Bearer tok" }, "read", "tok"],
    ["another scheme", "", { authorization: "Basic dXNlcg==" }, "read", undefined],
    ["[S4] the header before the cookie", "", { authorization: "bearer new", cookie: "__Secure-rested-access-token=old" }, "read", "new"],
    ["the parameter of a stream", "?accessToken=tok", {}, "subscribe", "tok"],
    ["[S4] the parameter before the cookie", "?accessToken=new", { cookie: "__Secure-rested-access-token=old" }, "subscribe", "new"],
    ["[S4] the header before the parameter", "?accessToken=old", { authorization: "Bearer new" }, "subscribe", "new"],
    ["no parameter elsewhere", "?accessToken=tok", {}, "read", undefined],
  ])("[S1] access token: %s", (_what, query, headers, operation, accessToken) => {
    expect(of(query, headers, operation)?.accessToken).toBe(accessToken);
  });

  it("reads a ticket for streams only", () => {
    expect(of("?ticket=t", {}, "subscribe")?.ticket).toBe("t");
    expect(of("?ticket=t", {}, "read")?.ticket).toBeUndefined();
  });
});
