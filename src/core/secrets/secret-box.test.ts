import { describe, expect, it } from "vitest";
import { createSecretBox, SealedError } from "./secret-box";

const box = createSecretBox({ secret: "a-secret-of-tests-that-has-forty-three-chars" });

describe("createSecretBox", () => {
  it("[H6] opens what it has sealed, and seals the same text differently each time", () => {
    const sealed = [box.seal("webhook 1", "whsec_grün"), box.seal("webhook 1", "whsec_grün")] as const;
    expect(sealed.map((bytes) => box.open("webhook 1", bytes))).toEqual(["whsec_grün", "whsec_grün"]);
    expect(sealed[0]).not.toEqual(sealed[1]);
    expect(Buffer.from(sealed[0]).toString("latin1")).not.toContain("whsec");
  });

  it("[H6] refuses another purpose, another server's secret, and every changed byte", () => {
    const sealed = box.seal("webhook 1", "secret");
    expect(() => box.open("webhook 2", sealed)).toThrow(SealedError);
    expect(() => createSecretBox({ secret: "another-secret-of-tests-with-more-characters" }).open("webhook 1", sealed)).toThrow(
      SealedError,
    );
    for (const index of sealed.keys()) {
      const changed = sealed.map((byte, at) => (at === index ? byte ^ 1 : byte));
      expect(() => box.open("webhook 1", changed), `byte ${index}`).toThrow(SealedError);
    }
    for (let length = 0; length < sealed.byteLength; length += 1)
      expect(() => box.open("webhook 1", sealed.subarray(0, length))).toThrow(SealedError);
  });
});
