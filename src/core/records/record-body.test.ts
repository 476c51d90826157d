/** Tests how request bodies become stored data. */
import { isUtf8 } from "node:buffer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { invalidUtf8Offset, parseContentKind, parseRecordBody } from "@/src/core/records/record-body";
import { isAppError } from "@/src/shared/errors";
import type { ContentKind } from "@/src/shared/streams/protocol";

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
    ["application/vnd.api+json", "json"],
    ["application/ld+json; charset=us-ascii", "json"],
    ["text/json", "json"],
    ["application/json, application/json", "json"],
    ["text/plain", "text"],
    ["text/plain;charset=utf8", "text"],
    ["text/plain; format=flowed; charset=US-ASCII", "text"],
  ])("[R2] accepts %s", (contentType, kind) => {
    expect(parseContentKind(contentType)).toBe(kind);
  });

  it.each<[string | undefined, RegExp]>([
    [undefined, /^The Content-Type header is missing\. For JSON, send the header Content-Type: application\/json/],
    ["", /header is missing/],
    ["application/xml", /application\/xml is not supported here/],
    ["application/json5", /application\/json5/],
    ["application/x-www-form-urlencoded", /x-www-form-urlencoded is not supported here\. HTML forms and curl -d send it/],
    ["application/json; charset=latin1", /charset latin1 is not supported\. Send UTF-8/],
    ["text/plain; charset=utf-16", /charset utf-16/],
    ["text/plain, application/json", /Content-Type headers differ/],
  ])("[R2] rejects %s and quotes the received header", async (contentType, detail) => {
    const refused = await codeOf(() => parseContentKind(contentType));
    expect(refused.code).toBe("content_type_unsupported");
    expect(refused.detail).toMatch(detail);
  });
});

describe("parseRecordBody", async () => {
  it("[R2] converts a text to a JSON string", async () => {
    const text = 'line\n"quoted" \\ ✓ \u2028';
    expect(JSON.parse(await parse("text", text))).toBe(text);
    expect(await parse("text", '{"a":1}')).toBe('"{\\"a\\":1}"');
    expect(JSON.parse(await parse("text", " kept "))).toBe(" kept ");
  });

  it("[R2] removes a byte order mark", async () => {
    expect(await parse("json", [0xef, 0xbb, 0xbf, 0x31])).toBe("1");
    expect(await parse("text", [0xef, 0xbb, 0xbf, 0x31])).toBe('"1"');
    expect((await codeOf(() => parse("json", [0xef, 0xbb, 0xbf]))).code).toBe("body_empty");
  });

  it.each(["", " ", "\r\n\t "])("[R2] refuses %j as empty", async (body) => {
    expect((await codeOf(() => parse("json", body))).code).toBe("body_empty");
    expect((await codeOf(() => parse("text", body))).code).toBe("body_empty");
  });

  it("[R1] rejects a NUL character in a text", async () => {
    expect(await codeOf(() => parse("text", "ab\0"))).toEqual({
      code: "body_invalid",
      detail: "The body cannot be stored: there is a NUL character at $, offset 2. Remove it.",
    });
  });

  it("[R11] recognises UTF-16 by its byte order mark", async () => {
    expect(await codeOf(() => parse("json", [0xff, 0xfe, 0x31, 0]))).toEqual({
      code: "body_invalid",
      detail: "The body is not valid UTF-8 at byte 0 (counted from 0). It looks like UTF-16. Encode it as UTF-8.",
    });
  });

  it("[R2] rejects invalid UTF-8 with the position", async () => {
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
