/** Close reasons fit into their frame and stay readable. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ERRORS } from "@/src/shared/errors";
import { toCloseReason } from "./encode";

describe("toCloseReason", () => {
  it("[W3] leaves the catalogue's messages as they are", () => {
    for (const { message } of Object.values(ERRORS)) expect(toCloseReason(message)).toBe(message);
  });

  it("[W3] cuts after a whole sentence", () => {
    const sentence = "The name is not valid, since it has letters that no name can have.";
    expect(toCloseReason(`${sentence} Use other ones, such as those that are in the specification.`)).toBe(sentence);
    expect(toCloseReason(`${sentence} One. ${"x".repeat(100)}. y`)).toBe(`${sentence} One.`);
  });

  it("[W3] cuts between two characters if no whole sentence fits", () => {
    expect(toCloseReason("x".repeat(200))).toBe("x".repeat(123));
    expect(toCloseReason(`${"x".repeat(122)}é`)).toBe("x".repeat(122));
    expect(toCloseReason(`${"x".repeat(121)}é`)).toBe(`${"x".repeat(121)}é`);
    expect(toCloseReason("😀".repeat(40))).toBe("😀".repeat(30));
  });

  it("[W3] is the beginning of the message, of 120 to 123 bytes if it was cut between characters", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 100 }), (message) => {
        const reason = toCloseReason(message);
        const bytes = Buffer.byteLength(reason);
        expect(message.startsWith(reason)).toBe(true);
        expect(bytes).toBeLessThanOrEqual(123);
        if (reason !== message && !reason.endsWith(".")) expect(bytes).toBeGreaterThanOrEqual(120);
      }),
    );
  });
});
