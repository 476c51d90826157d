import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isWebOrigin, parseOrigin, splitOrigins } from "@/src/shared/http/origins";

describe("parseOrigin", () => {
  it.each([
    ["https://example.com", "https://example.com"],
    [" HTTPS://Example.COM:443/ ", "https://example.com"],
    ["http://localhost:3000", "http://localhost:3000"],
    ["http://example.com:80", "http://example.com"],
    ["https://exämple.com", "https://xn--exmple-cua.com"],
    ["http://[::1]:8080", "http://[::1]:8080"],
    ["capacitor://localhost", "capacitor://localhost"],
    ["ionic://localhost/", "ionic://localhost"],
    ["Tauri://LocalHost", "tauri://localhost"],
    ["app://obsidian.md", "app://obsidian.md"],
    ["custom+scheme.1://some_host.example:1234", "custom+scheme.1://some_host.example:1234"],
    ["chrome-extension://abcdefghijklmnopabcdefghijklmnop", "chrome-extension://abcdefghijklmnopabcdefghijklmnop"],
    ["safari-web-extension://E1B2C3D4-0000-4000-8000-00000000000F", "safari-web-extension://e1b2c3d4-0000-4000-8000-00000000000f"],
  ])("[U4] accepts %s and returns the form that browsers send", (text, origin) => {
    expect(parseOrigin(text)).toEqual({ ok: true, origin });
  });

  it.each([
    "example.com",
    "wss://example.com",
    "null",
    "NULL",
    "file://",
    "file:///C:/page.html",
    "data://x",
    "capacitor://",
    "capacitor:localhost",
    "1app://localhost",
    "app://localhost/index.html",
    "app://user@localhost",
    "app://*",
    "app://exa mple",
    "app://exämple",
    "app://host:port",
    "app://host?",
    "chrome-extension://%61bc",
    "",
    "https://",
    "https://example.com/path",
    "https://example.com?",
    "https://example.com/#",
    "https://*.example.com",
    "https://user@example.com",
    "https://exa mple.com",
    "https://example.com:99999",
    "https:\\\\example.com",
    "https:///example.com/\\",
    `https://${"a".repeat(400)}.com`,
  ])("[U4] describes the problem of %j", (text) => {
    const parsed = parseOrigin(text);
    expect(parsed.ok).toBe(false);
    expect(parsed).toMatchObject({ problem: expect.stringMatching(/^[A-Z].*\.$/) });
  });

  it("[U4] returns a form that parsing does not change", () => {
    fc.assert(
      fc.property(fc.webUrl({ validSchemes: ["http", "https"], withFragments: true, withQueryParameters: true }), (url) => {
        const parsed = parseOrigin(new URL(url).origin);
        expect(parsed).toEqual({ ok: true, origin: new URL(url).origin });
      }),
    );
  });
});

it("[U13] distinguishes web origins from those of apps", () => {
  expect(["https://a.example", "http://localhost:3000"].every(isWebOrigin)).toBe(true);
  expect(["capacitor://localhost", "httpsx://a.example", "chrome-extension://http"].some(isWebOrigin)).toBe(false);
});

describe("splitOrigins", () => {
  it("[U4] splits the text of a form by commas and white space", () => {
    expect(splitOrigins(" https://a.com, https://b.com\nhttps://c.com,, ")).toEqual(["https://a.com", "https://b.com", "https://c.com"]);
    expect(splitOrigins("")).toEqual([]);
  });
});
