import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { toCurl, toFirstCurl, toHttpUrl, toShellWord, toStreamUrl } from "./snippets";

const target = { origin: "https://data.example.com", endpointName: "shop/orders", key: "d59eb2859c284168ac48aef65046d5dd" };

describe("snippets", () => {
  it("[U1] address the endpoint over HTTP and over WebSocket", () => {
    expect(toHttpUrl(target)).toBe("https://data.example.com/api/1/ce/shop/orders?key=d59eb2859c284168ac48aef65046d5dd");
    expect(toStreamUrl(target)).toBe("wss://data.example.com/api/1/ce/shop/orders?key=d59eb2859c284168ac48aef65046d5dd");
    expect(toStreamUrl({ ...target, origin: "http://localhost:3000" })).toMatch(/^ws:\/\/localhost:3000\//);
  });

  it("quote words for a shell", () => {
    const words = [`it's`, "a b", "$HOME", "`id`", 'say "hi"', "x\ny", "", "&key=1;ls", "plain-word_1.txt", "日本"];
    const command = `printf '%s\\0' ${words.map(toShellWord).join(" ")}`;
    expect(execFileSync("sh", ["-c", command]).toString().split("\0").slice(0, -1)).toEqual(words);
  });

  it("print a curl command that sends the same request", () => {
    const url = "http://127.0.0.1:1/api/1/ce/orders?key=abc&uniqueId=1";
    expect(toCurl({ method: "DELETE", url })).toBe(`curl -X DELETE '${url}'`);
    expect(toCurl({ method: "POST", url, body: { content: '{"a":"it\'s"}', contentType: "application/json" } })).toBe(
      `curl '${url}' \\\n  -H 'Content-Type: application/json' \\\n  --data-binary '{"a":"it'\\''s"}'`,
    );
    expect(toFirstCurl(target)).toContain(`-d '{"hello":"world"}'`);
  });
});
