/** The first line that people paste works. */
import { describe, expect, it } from "vitest";
import { chooseFirstEndpoint } from "./choose-target";

const [users, messages, readings] = [
  { kind: "authentication", secure: false },
  { kind: "data", secure: true },
  { kind: "data", secure: false },
] as const;

describe("the first steps", () => {
  it.each([
    ["an open endpoint, wherever it stands", [users, messages, readings], readings],
    ["the first one, where none is open", [messages, users], messages],
    ["none, where there is none", [], undefined],
  ])("are taken at %s", (_what, endpoints, chosen) => {
    expect(chooseFirstEndpoint(endpoints)).toBe(chosen);
  });
});
