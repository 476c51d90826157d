/** Bodies as they arrive become what is stored. */
import { isUtf8 } from "node:buffer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { invalidUtf8Offset, parseContentKind, parseRecordBody } from "@/src/core/record-body";
import { isAppError } from "@/src/shared/errors";
import type { ContentKind } from "@/src/shared/protocol";

async function codeOf(act: () => unknown): Promise<{ code: string; detail: string }> {
  try {
    await act();
  } catch (error) {
    if (isAppError(error)) return { code: error.code, detail: error.message };
    throw error;
  }
  return { code: "none", detail: "" };
}

const parse = async (kind: ContentKind, body: string | number[]): Promise<string> =>
  (await parseRecordBody({ kind, bytes: typeof body === "string" ? Buffer.from(body) : Uint8Array.from(body) })).data;

describe("parseContentKind", () => {
  it.each([
    ["application/json", "json"],
    ["Application/JSON; charset=UTF-8", "json"],
    ['application/json;charset="utf-8"', "json"],
    ["application/json; profile=x", "json"],
    ["text/plain", "text"],
    ["text/plain;charset=utf8", "text"],
  ])("[R2] takes %s", (contentType, kind) => {
    expect(parseContentKind({ contentType })).toBe(kind);
    expect(parseContentKind({ contentType, contentEncoding: "identity" })).toBe(kind);
  });

  it.each([
    [undefined, undefined],
    ["", undefined],
    ["application/xml", undefined],
    ["application/json5", undefined],
    ["application/x-www-form-urlencoded", undefined],
    ["application/json; charset=latin1", undefined],
    ["text/plain; charset=utf-16", undefined],
    ["application/json", "gzip"],
  ])("[R2] refuses %s with encoding %s", async (contentType, contentEncoding) => {
    expect((await codeOf(() => parseContentKind({ contentType, contentEncoding }))).code).toBe("content_type_unsupported");
  });
});

describe("parseRecordBody", async () => {
  it("[R2] makes a text a JSON string", async () => {
    const text = 'line\n"quoted" \\ ✓ \u2028';
    expect(JSON.parse(await parse("text", text))).toBe(text);
    expect(await parse("text", '{"a":1}')).toBe('"{\\"a\\":1}"');
    expect(JSON.parse(await parse("text", " kept "))).toBe(" kept ");
  });

  it("[R2] leaves out a byte order mark", async () => {
    expect(await parse("json", [0xef, 0xbb, 0xbf, 0x31])).toBe("1");
    expect(await parse("text", [0xef, 0xbb, 0xbf, 0x31])).toBe('"1"');
    expect((await codeOf(() => parse("json", [0xef, 0xbb, 0xbf]))).code).toBe("body_empty");
  });

  it.each(["", " ", "\r\n\t "])("[R2] refuses %j as empty", async (body) => {
    expect((await codeOf(() => parse("json", body))).code).toBe("body_empty");
    expect((await codeOf(() => parse("text", body))).code).toBe("body_empty");
  });

  it("[R1] refuses a NUL character in a text", async () => {
    expect(await codeOf(() => parse("text", "ab\0"))).toEqual({
      code: "body_invalid",
      detail: "The body can't be stored: there is a NUL character at $, offset 2. Remove it.",
    });
  });

  it("[R2] refuses invalid UTF-8 with the position", async () => {
    const refusal = await codeOf(() => parse("json", [0x22, 0x61, 0xff, 0x22]));
    expect(refusal).toEqual({ code: "body_invalid", detail: "The body is not valid UTF-8 at byte 2 (counted from 0)." });
  });

  it("[R2] finds the first byte of invalid UTF-8", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }).map((text) => Buffer.from(text)),
        fc.uint8Array({ maxLength: 4 }),
        (valid, garbage) => {
          const bytes = Buffer.concat([valid, garbage, Buffer.from("a")]);
          const offset = invalidUtf8Offset(bytes);
          expect(offset === bytes.length).toBe(isUtf8(bytes));
          expect(isUtf8(bytes.subarray(0, offset))).toBe(true);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
