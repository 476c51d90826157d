/** Requests made from filled-in forms, and their curl commands. */
import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import type { ListedOperation } from "@/src/shared/openapi";
import { type CallContext, type CallValues, findMissing, MULTIPART, toCall, toCallCurl } from "./call";

const context: CallContext = { origin: "https://data.example.com", query: { key: "abc" }, secrets: [], withCookies: false };
const text = { type: "string" };

function list(method: ListedOperation["method"], parts: Partial<ListedOperation> = {}): ListedOperation {
  const operation = { operationId: "test", summary: "Test.", tags: [], responses: {} };
  return { method, path: "/api/1/ce/shop/orders", operation, parameters: [], body: undefined, responses: [], ...parts };
}

function fill(values: Partial<CallValues> = {}): CallValues {
  return { parameters: {}, mediaType: "application/json", body: "", files: [], ...values };
}

describe("toCall", () => {
  it("[G5] puts parameters in path, query and headers, and omits empty ones", () => {
    const listed = list("put", {
      path: "/api/manage/things/{id}",
      parameters: [
        { name: "id", in: "path", required: true, description: "", schema: text },
        { name: "strategy", in: "query", description: "", schema: text },
        { name: "dataOnly", in: "query", description: "", schema: { type: "boolean" } },
        { name: "If-Match", in: "header", description: "", schema: text },
      ],
      body: { required: true, content: { "application/json": { schema: true } } },
    });
    const values = fill({ parameters: { id: "a/b", strategy: "merge&x", dataOnly: "", "If-Match": '"3"' }, body: "{}" });
    expect(toCall(listed, values, context)).toEqual({
      method: "put",
      path: "/api/manage/things/a%2Fb?key=abc&strategy=merge%26x",
      headers: { "If-Match": '"3"', "Content-Type": "application/json" },
      body: "{}",
    });
    expect(findMissing(listed, values)).toEqual([]);
    expect(findMissing(listed, fill())).toEqual(["id"]);
    expect(toCall(listed, fill(), { ...context, query: {} }).path).toBe("/api/manage/things/{id}");
  });

  it("[G5] omits an optional body that is empty, and sends a required one", () => {
    const body = { required: false, content: { "application/json": { schema: true } } };
    expect(toCall(list("post", { body }), fill(), context)).toMatchObject({ headers: {}, body: undefined });
    expect(toCall(list("post", { body: { ...body, required: true } }), fill(), context)).toMatchObject({ body: "" });
    const files = [new File(["x"], "a.txt")];
    expect(toCall(list("post", { body }), fill({ mediaType: MULTIPART, files }), context)).toMatchObject({ headers: {}, body: files });
  });
});

describe("toCallCurl", () => {
  /** The arguments that a shell passes to curl. */
  const words = (curl: string, env: Record<string, string> = {}): string[] => {
    const script = `curl() { printf '%s\\0' "$@"; }; ${curl}`;
    return execFileSync("sh", ["-c", script], { env: { ...process.env, ...env } })
      .toString()
      .split("\0")
      .slice(0, -1);
  };

  it("[G5] sends the same request as the form, in a shell", () => {
    const body = { required: true, content: { "application/json": { schema: true } } };
    const values = fill({ body: '{"it\'s": "$HOME"}' });
    const url = "https://data.example.com/api/1/ce/shop/orders?key=abc";
    expect(words(toCallCurl(toCall(list("post", { body }), values, context), context))).toEqual([
      url,
      "-H",
      "Content-Type: application/json",
      "--data-binary",
      '{"it\'s": "$HOME"}',
    ]);
    expect(words(toCallCurl(toCall(list("get"), fill(), context), context))).toEqual([url]);
    expect(words(toCallCurl(toCall(list("delete"), fill(), context), context))).toEqual(["-X", "DELETE", url]);
    const files = [new File(["x"], "it's.txt")];
    expect(words(toCallCurl(toCall(list("post", { body }), fill({ mediaType: MULTIPART, files }), context), context))).toEqual([
      url,
      "-F",
      "file=@it's.txt",
    ]);
  });

  it("[G5] uses environment variables instead of secrets", () => {
    const secrets = [{ header: "X-Master-Key", prefix: "", value: "very secret", variable: "MASTER_KEY" }];
    const all = { ...context, secrets, curlHeaders: { Authorization: "Bearer $RESTED_TOKEN" } };
    const curl = toCallCurl(toCall(list("get"), fill(), all), all);
    expect(curl).not.toContain("very secret");
    expect(words(curl, { MASTER_KEY: "mk", RESTED_TOKEN: "rt" }).slice(1)).toEqual([
      "-H",
      "Authorization: Bearer rt",
      "-H",
      "X-Master-Key: mk",
    ]);
  });
});
