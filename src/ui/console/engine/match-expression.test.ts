import { describe, expect, it } from "vitest";
import { compileLinearPattern } from "@/src/shared/text/linear-pattern";
import type { EventKind } from "../../stream/stream-event";
import { createMatcher, FILTER_NONE } from "./event-filter";
import { EventRing } from "./event-ring";

const ID = "0192a3b4c5d6e7f8091a2b3c4d5e6f70";

function isFound(text: string, data: string, kind: EventKind = "create"): boolean {
  const ring = new EventRing({ eventsMax: 10, bytesMax: 1_000_000 });
  const ordinal = ring.append({ kind, seq: 1, atMs: 1, receivedMs: 1, recordId: ID, createdMs: 1, updatedMs: 1, data });
  return createMatcher({ ...FILTER_NONE, text }, compileLinearPattern)(ring, ordinal);
}

describe("a filter expression on a change", () => {
  const data =
    '{"room":"Hall","t":20.50,"big":12345678901234567891,"on":true,"none":null,"tags":["new",3],"caf\\u00e9":"a\\"b","user":{"size":5}}';

  it.each([
    "hall",
    "-kitchen",
    "t > 20",
    "t = 20.5",
    "t >= 20.50",
    "t < 21",
    "t != 21",
    "big = 12345678901234567891",
    "big != 12345678901234567890",
    "big > 12345678901234567890",
    'room = "Hall"',
    "room != hall",
    "room ~ hAL",
    "room > Ha",
    "on = true",
    "on != false",
    "none = null",
    "none exists",
    "lost missing",
    "lost != 5",
    "tags[0] = new",
    "tags[1] = 3",
    "tags ~ new",
    'tags ~ "new\\",3"',
    "user.size = 5",
    "$ exists",
    "$.user.size > 4",
    'caf\u00e9 = "a\\"b"',
    'cafe\u0301 ~ "A\\"B"',
    "size > 100",
    "size < 1kb",
    "id:4d5e6f70",
    "id:0192A3B4",
    "op:create,delete",
    "!op:update",
    '/"t":2\\d\\.5/',
    "/hALL/i",
    "-/hALL/",
    "hall (t > 100 | on = true)",
    "!(t > 100 & on = true)",
  ])("[G27] %s matches", (text) => expect(isFound(text, data)).toBe(true));

  it.each([
    "kitchen",
    "-hall",
    "t > 20.5",
    't = "20.5"',
    "t = true",
    "big = 12345678901234567890",
    "room = hall",
    "room > 5",
    "on = 1",
    "none = 0",
    "none missing",
    "lost = null",
    "lost ~ null",
    "tags[2] exists",
    "user.t exists",
    "size > 1kb",
    "id:ffff",
    "op:update",
    "/hALL/",
    "hall (t > 100 | on = false)",
  ])("[G27] %s does not match", (text) => expect(isFound(text, data)).toBe(false));

  it("[G27] a regular expression that backtracks exponentially elsewhere takes linear time", () => {
    expect(isFound('/^"(a+)+b$/', JSON.stringify("a".repeat(20_000)))).toBe(false);
  });
});
