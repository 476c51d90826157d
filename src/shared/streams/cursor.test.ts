/** Tests formatting and parsing cursors. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatCursor, parseCursor, toEpoch } from "./cursor";

const EPOCH = "0123456789abcdef0123456789abcdef";

describe("cursor", () => {
  it("[W9] is parsed as it was formatted, for every epoch and seq", () => {
    fc.assert(
      fc.property(fc.uuid(), fc.nat({ max: Number.MAX_SAFE_INTEGER }), (epoch, seq) => {
        expect(parseCursor(formatCursor({ epoch, seq }))).toEqual({ epoch: toEpoch(epoch), seq });
      }),
    );
  });

  it("[W9] is <32 hex digits>-<seq>", () => {
    expect(formatCursor({ epoch: "01234567-89AB-cdef-0123-456789abcdef", seq: 42 })).toBe(`${EPOCH}-42`);
  });

  it("[W26] ends with the proof if there is one", () => {
    const cursor = { epoch: EPOCH, seq: 42, proof: "00c0ffee" };
    expect(formatCursor(cursor)).toBe(`${EPOCH}-42-00c0ffee`);
    expect(parseCursor(`${EPOCH}-42-00c0ffee`)).toEqual(cursor);
  });

  it.each([
    `${EPOCH}-42-`,
    `${EPOCH}-42-00c0ffe`,
    `${EPOCH}-42-00c0ffee0`,
    `${EPOCH}-42-00C0FFEE`,
    `${EPOCH}-42-00c0ffee-1`,
    `${EPOCH}-0-00c0ffee`,
    "",
    "now",
    "42",
    EPOCH,
    `${EPOCH}-`,
    `${EPOCH}--1`,
    `${EPOCH}-01`,
    `${EPOCH}-1.5`,
    `${EPOCH}-1e3`,
    `${EPOCH}-9007199254740992`,
    `${EPOCH}-99999999999999999999`,
    `${EPOCH}-1 `,
    ` ${EPOCH}-1`,
    `${EPOCH}-1\n`,
    `${EPOCH.toUpperCase()}-1`,
    `${EPOCH.slice(1)}-1`,
    `g${EPOCH.slice(1)}-1`,
    `${EPOCH}-١`,
  ])("[W9] %j is not a cursor", (text) => {
    expect(parseCursor(text)).toBeUndefined();
  });

  it("[W9] parses only its own format", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const cursor = parseCursor(text);
        if (cursor) expect(formatCursor(cursor)).toBe(text);
      }),
    );
  });
});
