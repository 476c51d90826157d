/** The endpoint and key of snippets. */
import { describe, expect, it } from "vitest";
import { chooseFirstEndpoint } from "./choose-target";

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
