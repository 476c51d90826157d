import { describe, expect, it } from "vitest";
import { findKeyHint, findMisplacedKey, findNameHint } from "@/src/core/access/address-hints";
import { CLOSE_REASON_BYTES_MAX } from "@/src/shared/streams/protocol";

const HEX = "0192f3c4a1b27c3d8e4f5a6b7c8d9e0f";

describe("findNameHint", () => {
  it.each([
    [`things/${HEX}`, /^Send the record's id as \?uniqueId=<id>/],
    ["things/0192f3c4-a1b2-7c3d-8e4f-5a6b7c8d9e0f", /^Send the record's id as \?uniqueId=<id>/],
    ["things/", /^Remove the slash/],
    ["", /^The URL has no endpoint name/],
    ["Things", /lowercase/],
    ["some--thing", /in a row/],
  ])("[U3] %j", (name, hint) => {
    expect(findNameHint(name)).toMatch(hint);
  });

  it.each(["things", "things/of-test", HEX])("[U3] returns undefined for the well-formed %j", (name) => {
    expect(findNameHint(name)).toBeUndefined();
  });
});

describe("findMisplacedKey", () => {
  it.each<[string, Record<string, string>, RegExp]>([
    ["Key=k", {}, /^Use the parameter key instead of Key:/],
    ["limit=1&apiKey=k", {}, /^Use the parameter key instead of apiKey:/],
    ["api_key=k", {}, /instead of api_key:/],
    ["x-api-key=k", {}, /instead of x-api-key:/],
    ["", { "x-apikey": "k" }, /^Use the header X-API-Key instead of x-apikey,/],
    ["", { "api-key": "k" }, /instead of api-key,/],
    ["", { authorization: "Bearer k" }, /^Send the API key as \?key=<your key> or X-API-Key\./],
    ["", { authorization: "k" }, /^Send the API key/],
  ])("[U3] %j with %j", (query, headers, hint) => {
    const found = findMisplacedKey(new URLSearchParams(query), headers) ?? "";
    expect(found).toMatch(hint);
    // The error never contains the key itself.
    expect(found).not.toMatch(/=k\b/);
    expect(found.slice(0, CLOSE_REASON_BYTES_MAX)).toMatch(/\?key=<your key>/);
  });

  it("[U3] returns undefined if nothing looks like a key", () => {
    expect(findMisplacedKey(new URLSearchParams("limit=1&uniqueId=2&monkey=3"), { accept: "*/*" })).toBeUndefined();
  });
});

it("[U3] recognises other secrets sent as the key by their form, and never shows them", () => {
  expect(findKeyHint(`mk_${"s".repeat(43)}`)).toMatch(/^Send the master key as X-Master-Key/);
  expect(findKeyHint(`rst_${"s".repeat(43)}`)).toMatch(/^Send one of the project's keys/);
  for (const secret of ["mk_", "rst_"]) expect(findKeyHint(`${secret}${"s".repeat(43)}`)).not.toContain("sss");
  expect([findKeyHint("0".repeat(32)), findKeyHint(undefined)]).toEqual([undefined, undefined]);
});
