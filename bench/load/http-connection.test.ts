/** Tests the reader of responses, on which every figure of the benches depends. */
import { describe, expect, it } from "vitest";
import { createResponseReader } from "./http-connection";
import { createSamples, median } from "./percentiles";

const FIXED = "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n[1,2,3]";
const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n[1,2\r\n3\r\n,3]\r\n0\r\n\r\n";
const EMPTY_CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
const WITHOUT_BODY = 'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n';

/** The statuses of the responses, when the bytes arrive in pieces of this size. */
function read(text: string, pieceBytes: number): number[] {
  const statuses: number[] = [];
  const reader = createResponseReader((status) => statuses.push(status));
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += pieceBytes) reader(bytes.subarray(at, at + pieceBytes));
  return statuses;
}

describe("the reader of responses", () => {
  for (const [name, text, status] of [
    ["a length", FIXED, 201],
    ["chunks", CHUNKED, 200],
    ["no chunks", EMPTY_CHUNKED, 200],
    ["no body", WITHOUT_BODY, 304],
  ] as const) {
    it(`finds the end of a response with ${name}, wherever its bytes are divided`, () => {
      for (let pieceBytes = 1; pieceBytes <= text.length; pieceBytes++) expect(read(text, pieceBytes)).toEqual([status]);
    });
  }

  it("reads one response after the other", () => {
    const statuses: number[] = [];
    const reader = createResponseReader((status) => statuses.push(status));
    for (const text of [FIXED, CHUNKED, WITHOUT_BODY, FIXED]) reader(Buffer.from(text));
    expect(statuses).toEqual([201, 200, 304, 201]);
  });
});

describe("percentiles", () => {
  it("are exact values of the samples", () => {
    const samples = createSamples();
    for (let value = 100_000; value > 0; value--) samples.add(value);
    expect(samples.toPercentiles()).toEqual({ count: 100_000, p50: 50_000, p99: 99_000, max: 100_000 });
    expect([median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([2, 2.5]);
  });
});
