import { describe, expect, it } from "vitest";
import { createFileTokens, type FileTokenHolder, type FileTokenTarget } from "./tokens";

const NOW = new Date("2026-05-01T12:00:00.000Z");
const LATER = new Date(NOW.getTime() + 60_000);
const TARGET: FileTokenTarget = {
  endpointId: "11111111-2222-3333-4444-555555555555",
  recordId: "a".repeat(32),
  masterKeyHash: Buffer.alloc(32, 7),
};
const HOLDERS: FileTokenHolder[] = [
  { kind: "user", accessTokenId: "019f0000-1111-7222-8333-444455556666" },
  { kind: "master" },
  { kind: "key" },
];

const clock = { at: NOW };
const tokens = createFileTokens({ secret: "a secret of this deployment", clock: { now: () => clock.at } });

describe.each(HOLDERS)("[F6] a file token of a $kind", (holder) => {
  const text = tokens.issue(TARGET, holder, LATER);

  it("returns the holder until it expires, and is safe in URLs", () => {
    expect(text).toMatch(/^[A-Za-z0-9_-]{49,71}$/);
    expect(tokens.verify(text, TARGET)).toEqual(holder);
    clock.at = new Date(LATER.getTime() - 1);
    expect(tokens.verify(text, TARGET)).toEqual(holder);
    clock.at = LATER;
    expect(tokens.verify(text, TARGET)).toBeUndefined();
    clock.at = NOW;
  });

  it("is valid for one record of one endpoint, in one deployment", () => {
    expect(tokens.verify(text, { ...TARGET, recordId: "b".repeat(32) })).toBeUndefined();
    expect(tokens.verify(text, { ...TARGET, endpointId: TARGET.endpointId.replace("1", "2") })).toBeUndefined();
    expect(createFileTokens({ secret: "another", clock: { now: () => NOW } }).verify(text, TARGET)).toBeUndefined();
  });

  it("issued with a master key, ends with that key", () => {
    const expected = holder.kind === "master" ? undefined : holder;
    expect(tokens.verify(text, { ...TARGET, masterKeyHash: Buffer.alloc(32, 8) })).toEqual(expected);
    expect(tokens.verify(text, { ...TARGET, masterKeyHash: null })).toEqual(expected);
  });

  it("is invalid if any bit is changed", () => {
    const bytes = Buffer.from(text, "base64url");
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(tokens.verify(changed.toString("base64url"), TARGET)).toBeUndefined();
    }
  });
});

it.each(["", "true", "x", "A".repeat(43), "A".repeat(71), "A".repeat(1000), "\0", "é"])("[F6] %j is not a file token", (text) => {
  expect(tokens.verify(text, TARGET)).toBeUndefined();
});

it("[F6] has exactly one spelling", () => {
  const text = tokens.issue(TARGET, { kind: "key" }, LATER);
  for (const other of [`${text}=`, `${text} `, `${text}!`, `${text}A`]) expect(tokens.verify(other, TARGET)).toBeUndefined();
});
