import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { findTransferDecoder } from "./transfer-encoding";

async function decode(encoding: string, chunks: readonly string[]): Promise<string> {
  const decoded = findTransferDecoder(encoding)?.(Readable.from(chunks.map((chunk) => Buffer.from(chunk, "latin1"))));
  const pieces: Uint8Array[] = [];
  for await (const piece of decoded ?? []) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

/** Whole, and in every pair of chunks. */
async function decodeAllWays(encoding: string, text: string): Promise<Set<string>> {
  const answers = new Set([await decode(encoding, [text]), await decode(encoding, [...text])]);
  for (let cut = 1; cut < text.length; cut += 1) answers.add(await decode(encoding, [text.slice(0, cut), text.slice(cut)]));
  return answers;
}

describe("a Content-Transfer-Encoding", () => {
  it.each([
    ["base64", "aGVsbG8gd29ybGQ=", "hello world"],
    ["base64", "aGVs\r\nbG8g\r\nd29ybGQ=\r\n", "hello world"],
    ["base64", "aGVsbG8gd29ybGQ", "hello world"],
    ["base64", "", ""],
    ["quoted-printable", "na=C3=AFve=\r\n caf=c3=a9=0D=0A", "naïve café\r\n"],
    ["quoted-printable", "1=2=ZZ=", "1=2=ZZ="],
    ["binary", "a=C3", "a=C3"],
    ["8bit", "a=C3", "a=C3"],
    ["", "a=C3", "a=C3"],
  ])("[F1] %s: %j is %j, however it is cut into chunks", async (encoding, text, decoded) => {
    expect([...(await decodeAllWays(encoding, text))]).toEqual([decoded]);
  });

  it.each(["aGVsb", "aGVs*G8=", "aGVsbA==aGVsbA=="])("[F1] invalid base64 is refused: %s", async (text) => {
    await expect(decode("base64", [text])).rejects.toMatchObject({ code: "upload_invalid" });
  });

  it("[F1] others are not supported", () => {
    expect(findTransferDecoder("uuencode")).toBeUndefined();
  });
});
