/** The counter of WebSocket messages that the benchmarks use. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createFrameCounter } from "./frame-counter";

const MESSAGE = JSON.stringify({ push: { channel: "bench", pub: { data: { text: "a line\nand {} braces" }, offset: 10_000 } } });
const [TEXT, CLOSE, PING] = [1, 8, 9];

/** A frame of a server. */
function toFrame(payload: string, opcode = TEXT): Buffer {
  const bytes = Buffer.from(payload);
  if (bytes.length < 126) return Buffer.concat([Buffer.from([0x80 | opcode, bytes.length]), bytes]);
  return Buffer.concat([Buffer.from([0x80 | opcode, 126, bytes.length >> 8, bytes.length & 255]), bytes]);
}

/** Gives `bytes` to a counter, cut at `cuts`, and returns what it found. */
function count(bytes: Buffer, cuts: readonly number[], joinedBytes?: number) {
  const found = { messages: 0, pings: 0, jsonPings: 0, closes: 0 };
  const events = {
    onMessages: (messages: number) => {
      found.messages += messages;
    },
    onPing: () => void found.pings++,
    onJsonPing: () => void found.jsonPings++,
    onClose: () => void found.closes++,
  };
  const take = createFrameCounter(events, joinedBytes);
  const places = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  for (const [index, from] of places.entries()) if (index < places.length - 1) take(bytes.subarray(from, places[index + 1]));
  return found;
}

const cutsOf = (bytes: Buffer) => fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 20 });

describe("createFrameCounter", () => {
  it("counts frames, pings and close frames, wherever chunks end", () => {
    const bytes = Buffer.concat([toFrame("a"), toFrame("", PING), toFrame(MESSAGE.repeat(9)), toFrame("{}"), toFrame("reason", CLOSE)]);
    fc.assert(
      fc.property(cutsOf(bytes), (cuts) => {
        expect(count(bytes, cuts)).toEqual({ messages: 3, pings: 1, jsonPings: 0, closes: 1 });
      }),
    );
  });

  it("counts joined messages, wherever chunks end", () => {
    const bytes = Buffer.concat([1, 16, 3, 1].map((joined) => toFrame(Array(joined).fill(MESSAGE).join("\n"))));
    fc.assert(
      fc.property(cutsOf(bytes), (cuts) => {
        expect(count(bytes, cuts, MESSAGE.length)).toEqual({ messages: 21, pings: 0, jsonPings: 0, closes: 0 });
      }),
    );
  });

  it("finds a ping alone and in any line of a joined frame, wherever chunks end", () => {
    const before = toFrame([MESSAGE, MESSAGE].join("\n"));
    const after = toFrame(MESSAGE);
    for (const lines of [["{}"], ["{}", MESSAGE], [MESSAGE, "{}"], [MESSAGE, "{}", MESSAGE], [...Array(15).fill(MESSAGE), "{}"]]) {
      const bytes = Buffer.concat([before, toFrame(lines.join("\n")), after]);
      const eachByteAlone = Array.from(bytes, (_, index) => [index, index]).flat();
      expect(count(bytes, eachByteAlone, MESSAGE.length)).toEqual({ messages: lines.length + 2, pings: 0, jsonPings: 1, closes: 0 });
      fc.assert(
        fc.property(cutsOf(bytes), (cuts) => {
          expect(count(bytes, cuts, MESSAGE.length)).toEqual({ messages: lines.length + 2, pings: 0, jsonPings: 1, closes: 0 });
        }),
      );
    }
  });
});
