import { describe, expect, it } from "vitest";
import { describeUnsupportedType, isJsonType, isUtf8Charset, parseMediaType } from "@/src/shared/http/content-type";

describe("parseMediaType", () => {
  it.each<[string | undefined, ReturnType<typeof parseMediaType>]>([
    [undefined, { essence: "", charset: undefined, isAmbiguous: false }],
    ["", { essence: "", charset: undefined, isAmbiguous: false }],
    ["Application/JSON", { essence: "application/json", charset: undefined, isAmbiguous: false }],
    [' text/plain ; Charset = "UTF-8" ', { essence: "text/plain", charset: "utf-8", isAmbiguous: false }],
    ["text/plain; charset='utf8'", { essence: "text/plain", charset: "utf8", isAmbiguous: false }],
    ["text/plain; charset=a; charset=b", { essence: "text/plain", charset: "a", isAmbiguous: false }],
    ["text/plain;", { essence: "text/plain", charset: undefined, isAmbiguous: false }],
    ["application/json, application/json", { essence: "application/json", charset: undefined, isAmbiguous: false }],
    ["application/json, text/plain", { essence: "application/json", charset: undefined, isAmbiguous: true }],
    ['application/ld+json; profile="a, b"', { essence: "application/ld+json", charset: undefined, isAmbiguous: false }],
  ])("[R2] %j", (header, parsed) => {
    expect(parseMediaType(header)).toEqual(parsed);
  });
});

it("[R2] JSON has many types", () => {
  expect(
    ["application/json", "text/json", "application/ld+json", "application/vnd.github.v3+json", "model/gltf+json"].filter(isJsonType),
  ).toHaveLength(5);
  expect(
    ["application/x-ndjson", "application/json-seq", "application/jsonx", "+json", "a/+json", "application/xml"].filter(isJsonType),
  ).toEqual([]);
});

it("[R11] UTF-8 has many names, and ASCII is a part of it", () => {
  expect([undefined, "", "utf-8", "utf8", "us-ascii", "ascii"].every(isUtf8Charset)).toBe(true);
  expect(["utf-16", "latin1", "iso-8859-1", "windows-1252"].some(isUtf8Charset)).toBe(false);
});

it("[R2] an error quotes the received header, up to a length", () => {
  expect(describeUnsupportedType(`x/${"y".repeat(1000)}`, "Send z.").length).toBeLessThan(200);
  expect(describeUnsupportedType("multipart/form-data; boundary=x", "Send z.")).toMatch(/Upload files by POST/);
});
