import { deflateSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { inflate, parseContentCoding, toSentBytesMax } from "@/src/core/http/content-coding";
import { refusal } from "@/tests/support/refusal";
import { until } from "@/tests/support/until";

const TEXT = "a text that repeats itself, ".repeat(2000);

async function* pieces(bytes: Uint8Array, size: number, onPull: () => void = () => undefined): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += size) {
    onPull();
    yield bytes.subarray(at, at + size);
  }
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe("parseContentCoding", () => {
  it.each([
    [undefined, undefined],
    ["", undefined],
    ["identity", undefined],
    ["gzip", "gzip"],
    [" GZIP ", "gzip"],
    ["x-gzip", "gzip"],
    ["identity, gzip", "gzip"],
    ["deflate", "deflate"],
  ])("[R17] %j is %s", (header, coding) => {
    expect(parseContentCoding(header)).toBe(coding);
  });

  it.each(["br", "zstd", "compress", "gzip, gzip", "deflate, gzip", "utf-8", "aws-chunked", "*"])("[R17] refuses %s", async (header) => {
    const refused = await refusal((async () => parseContentCoding(header))());
    expect(refused.code).toBe("content_encoding_unsupported");
    expect(refused.detail).toContain(header);
  });
});

describe("inflate", () => {
  it.each([1, 7, 64 * 1024])("[R17] inflates a body that was sent in chunks of %i bytes", async (size) => {
    expect(await collect(inflate(pieces(gzipSync(TEXT), size), "gzip"))).toBe(TEXT);
    expect(await collect(inflate(pieces(deflateSync(TEXT), size), "deflate"))).toBe(TEXT);
  });

  it("[R17] accepts several gzip members, and an empty body", async () => {
    expect(await collect(inflate(pieces(Buffer.concat([gzipSync("a"), gzipSync("b")]), 5), "gzip"))).toBe("ab");
    expect(await collect(inflate(pieces(gzipSync(""), 5), "gzip"))).toBe("");
  });

  it("[R17] rejects an incomplete, damaged or differently encoded body", async () => {
    const whole = gzipSync(TEXT);
    const damaged = Uint8Array.from(whole);
    damaged[damaged.length - 6] = (damaged[damaged.length - 6] ?? 0) ^ 1;
    for (const bytes of [whole.subarray(0, -4), damaged, Buffer.from('{"a":1}')]) {
      const refused = await refusal(collect(inflate(pieces(bytes, 100), "gzip")));
      expect(refused.code).toBe("body_invalid");
      expect(refused.detail).toMatch(/^The body is not valid gzip/);
    }
  });

  it("[R17] throws what the source throws", async () => {
    async function* failing(): AsyncGenerator<Uint8Array, void> {
      yield gzipSync(TEXT).subarray(0, 20);
      throw new Error("gone");
    }
    await expect(collect(inflate(failing(), "gzip"))).rejects.toThrow("gone");
  });

  it("[R17] stops reading the source when the reader stops, long before a zip bomb is inflated", async () => {
    const member = gzipSync(Buffer.alloc(64 * 1024 * 1024), { level: 9 });
    // Longer than the buffers of streams, which are 64 KiB from Node.js 22 on.
    const bomb = Buffer.concat(Array.from({ length: 16 }, () => member));
    let [pulled, inflated, ended] = [0, 0, false];
    async function* source(): AsyncGenerator<Uint8Array, void> {
      try {
        yield* pieces(bomb, 1024, () => {
          pulled += 1;
        });
      } finally {
        ended = true;
      }
    }
    for await (const chunk of inflate(source(), "gzip")) {
      expect(chunk.byteLength).toBeLessThanOrEqual(16 * 1024);
      inflated += chunk.byteLength;
      if (inflated > 256 * 1024) break;
    }
    await until("the source is given up", () => ended);
    expect(pulled * 1024).toBeLessThan(bomb.length / 2);
    expect(inflated).toBeLessThan(1024 * 1024);
  });
});

it("[R17] allows an incompressible body to be slightly longer than the limit", () => {
  const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7919 + (index >> 3) * 104_729) % 251));
  for (const size of [0, 1, 1000, 100_000])
    expect(gzipSync(bytes.subarray(0, size), { level: 0 }).length).toBeLessThanOrEqual(toSentBytesMax(size, "gzip"));
  expect(toSentBytesMax(1000, undefined)).toBe(1000);
});
