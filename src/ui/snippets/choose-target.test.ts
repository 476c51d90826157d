/** The endpoint and key of snippets. */
import { describe, expect, it } from "vitest";
import type { ManagedKey } from "@/src/shared/management/schemas";
import { chooseFirstEndpoint, preferredKey } from "./choose-target";
import { toKeyLabel, toStateLabel } from "./key-state";

const [users, messages, readings] = [
  { kind: "authentication", secure: false },
  { kind: "data", secure: true },
  { kind: "data", secure: false },
] as const;

describe("chooseFirstEndpoint", () => {
  it.each([
    ["an open endpoint at any position", [users, messages, readings], readings],
    ["the first one if none is open", [messages, users], messages],
    ["undefined if there is none", [], undefined],
  ])("returns %s", (_what, endpoints, chosen) => {
    expect(chooseFirstEndpoint(endpoints)).toBe(chosen);
  });
});

const NOW = Date.parse("2030-01-31T12:00:00Z");
const inMinutes = (minutes: number) => new Date(NOW + minutes * 60_000).toISOString();
const toKey = (id: string, parts: Partial<ManagedKey> = {}): ManagedKey => ({
  id,
  projectId: "p",
  name: "First key",
  key: `${id}23456789abcdef`,
  scope: "read_write",
  expiresAt: null,
  lastUsedAt: null,
  revokedAt: null,
  createdAt: inMinutes(-60),
  replacesId: null,
  replacedById: null,
  ...parts,
});

describe("[U7] preferredKey", () => {
  it.each([
    [
      "the replacement of a key in its grace period",
      [toKey("a", { expiresAt: inMinutes(52), replacedById: "b" }), toKey("b", { replacesId: "a" })],
      "b",
    ],
    ["the oldest one that lasts", [toKey("a"), toKey("b")], "a"],
    [
      "one that can read and write rather than one that lasts",
      [toKey("a", { scope: "read" }), toKey("b", { expiresAt: inMinutes(52) })],
      "b",
    ],
    ["one that ends soon if there is no other", [toKey("a", { expiresAt: inMinutes(5) })], "a"],
    ["one that ends later than within a day", [toKey("a", { expiresAt: inMinutes(60 * 24 * 30) }), toKey("b")], "a"],
    ["none that is revoked or expired", [toKey("a", { revokedAt: inMinutes(-1) }), toKey("b", { expiresAt: inMinutes(0) })], undefined],
  ])("returns %s", (_what, keys, id) => {
    expect(preferredKey(keys, NOW)?.id).toBe(id);
  });
});

describe("[U7] labels of keys", () => {
  it.each([
    [{}, "Active"],
    [{ expiresAt: inMinutes(52) }, "Ends in 52 min."],
    [{ expiresAt: inMinutes(0.5) }, "Ends in less than a minute"],
    [{ expiresAt: inMinutes(60 * 24 * 3) }, "Active"],
    [{ expiresAt: inMinutes(-1) }, "Expired"],
    [{ expiresAt: inMinutes(-1), revokedAt: inMinutes(-2) }, "Revoked"],
  ])("name the state of %j", (parts, label) => {
    expect(toStateLabel(toKey("a", parts), NOW)).toBe(label);
  });

  it("tell keys of the same name apart", () => {
    const [old, other] = [toKey("a", { expiresAt: inMinutes(52) }), toKey("b", { name: "Other" })];
    expect(toKeyLabel(old, [old, toKey("c")], NOW)).toBe("First key (read and write, a23456…, ends in 52 min.)");
    expect(toKeyLabel(other, [old, other], NOW)).toBe("Other (read and write)");
  });
});
