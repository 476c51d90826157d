import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatAddress, headerProblem, isListed, parseAddress, parseListEntry } from "./addresses";

describe("addresses", () => {
  it.each([
    ["ada@example.com", { address: "ada@example.com" }],
    [" ada@example.com ", { address: "ada@example.com" }],
    ["Ada.L+tag@Example.COM", { address: "Ada.L+tag@example.com" }],
    ["Ada <ada@example.com>", { name: "Ada", address: "ada@example.com" }],
    ['"Löve, Ada" <ada@example.com>', { name: "Löve, Ada", address: "ada@example.com" }],
    ["<ada@example.com>", { address: "ada@example.com" }],
    ["ada@bücher.example", { address: "ada@xn--bcher-kva.example" }],
  ])("[M5] %j is an address", (text, address) => {
    expect(parseAddress(text)).toEqual(address);
  });

  it.each([
    ...["", "ada", "@example.com", "ada@", "ada@localhost", "ada@example", "a b@example.com", "ada@exa mple.com", "ada@@example.com"],
    ...["ada@example.com, eve@example.com", "ada@example.com;eve@example.com", "ada@example.com eve@example.com"],
    "ada@example.com\nBcc: eve@example.com",
    ...[
      '"ada"@example.com',
      '"ada@evil.example"@example.com',
      "ada@evil.example(x)@example.com",
      "ada@example.com(x)evil.example",
      "ada(x)@example.com",
    ],
    ...["ada@[127.0.0.1]", "ada@127.0.0.1", "ada@0x7f.1", "ada@example.com<eve@example.com", "Ada <ada@example.com> <eve@example.com>"],
    ...["Ada <ada@example.com>, Eve <eve@example.com>", "Ada <<ada@example.com>>", "Ada <ada@example.com", "Ada> <ada@example.com>"],
    ...[
      'A"da <ada@example.com>',
      "A\\da <ada@example.com>",
      "A\r\nda <ada@example.com>",
      "A\u2028da <ada@example.com>",
      "A\u0085da <ada@example.com>",
    ],
    ...[
      "=?utf-8?Q?=0AX?= <ada@example.com>",
      "Ada\u202e <ada@example.com>",
      `${"a".repeat(65)}@example.com`,
      `ada@${"a.".repeat(130)}example`,
    ],
    ...[
      "ada@example.com\0",
      "ada@exam\u3002ple.com\u200b",
      ".ada@example.com",
      "ada.@example.com",
      "a..da@example.com",
      "ada@-example.com",
      "ада@example.com",
    ],
  ])("[M5] %j is not", (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  it("[M5] whatever is parsed has no character that ends a header, an address or a list", () => {
    const part = fc.constantFrom(
      "ada",
      "@",
      "<",
      ">",
      '"',
      ",",
      ";",
      ":",
      " ",
      "\r\n",
      "\n",
      "\u2028",
      "example.com",
      ".",
      "(",
      ")",
      "=?",
      "?=",
      "\\",
      "é",
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 9 }), (parts) => {
        const parsed = parseAddress(parts.join(""));
        if (!parsed) return;
        expect(parsed.address).toMatch(/^[\x21-\x7e]+$/);
        expect(parsed.address).not.toMatch(/[<>()[\]\\,;:"]|@.*@/);
        expect(parsed.name ?? "").not.toMatch(/[\r\n\u2028"\\<>]/);
        expect(parseAddress(formatAddress(parsed))).toEqual(parsed);
      }),
      { numRuns: 2_000 },
    );
  });

  it("[M5] lists name addresses and exact domains", () => {
    const list = ["Ada@Example.com", "bücher.example", "corp.example"].map((entry) => parseListEntry(entry) ?? "");
    expect(list).toEqual(["ada@example.com", "xn--bcher-kva.example", "corp.example"]);
    expect(["", "x", "*", "a@b", "Ada <a@b.example>", "b.example, c.example", "@b.example", "10.0.0.1"].map(parseListEntry)).toEqual(
      Array(8).fill(undefined),
    );
    const listed = (text: string) => isListed(list, parseAddress(text) ?? { address: "?" });
    expect(["ADA@example.com", "x@corp.example", "x@CORP.example", "x@bücher.example"].filter((text) => !listed(text))).toEqual([]);
    expect(["eve@example.com", "x@sub.corp.example", "x@evilcorp.example", "x@corp.example.evil.example"].filter(listed)).toEqual([]);
  });

  it("[M5] headers have one line, and mean what they show", () => {
    expect(["Hello", "Grüße 👩‍🚀", "a = ? b?=", "50 % =?"].map((text) => headerProblem(text, 100))).toEqual(Array(4).fill(undefined));
    const bad = [
      "a\nb",
      "a\rb",
      "a\u0085b",
      "a\u2028b",
      "a\u2029b",
      "a\0b",
      "a\u202eb",
      "\ud800",
      "=?utf-8?B?YQ==?=",
      "x =?iso-8859-1?q?a?= y",
    ];
    expect(bad.filter((text) => headerProblem(text, 100) === undefined)).toEqual([]);
    expect(headerProblem("a".repeat(101), 100)).toBe("Use 100 characters at most.");
  });
});
