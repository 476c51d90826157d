import { describe, expect, it } from "vitest";
import { type KeyPress, matchShortcut, SHORTCUTS, toKeyNames, toTooltip } from "./shortcuts";

const press = (key: string, parts: Partial<KeyPress> = {}) =>
  matchShortcut({ key, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, focus: "none", singleKeys: true, ...parts });

describe("shortcuts", () => {
  it("no key has two meanings", () => {
    const seen = SHORTCUTS.flatMap(({ keys, mod, shift }) => keys.map((key) => `${mod ? "mod " : ""}${shift ? "shift " : ""}${key}`));
    expect(new Set(seen).size).toBe(seen.length);
    expect(new Set(SHORTCUTS.map(({ id }) => id)).size).toBe(SHORTCUTS.length);
  });

  it("do not interfere with typing", () => {
    for (const key of ["j", " ", "/", "?", "Enter", "ArrowDown", "End", "c", "Home"]) expect(press(key, { focus: "text" })).toBeUndefined();
    expect(press("Escape", { focus: "text" })).toBe("close");
    expect(press("Enter", { focus: "text", ctrlKey: true })).toBe("send");
    expect(press("Enter", { focus: "text", metaKey: true })).toBe("send");
  });

  it("leave the keys of controls to them", () => {
    for (const key of [" ", "Enter", "ArrowDown", "End"]) expect(press(key, { focus: "control" })).toBeUndefined();
    expect(press("j", { focus: "control" })).toBe("next");
    expect(press("Enter", { focus: "control", ctrlKey: true })).toBe("send");
  });

  it("work in the list, in upper and lower case", () => {
    expect(press("ArrowDown", { focus: "grid" })).toBe("next");
    expect(press("K", { focus: "grid" })).toBe("previous");
    expect(press("Enter", { focus: "grid" })).toBe("open");
    expect(press("Home", { focus: "grid" })).toBe("first");
    expect(press("ArrowDown")).toBeUndefined();
  });

  it("tell a letter with Shift from the same letter without", () => {
    expect(press("c")).toBe("copy-json");
    expect(press("C", { shiftKey: true })).toBe("copy-curl");
    expect(press("C")).toBe("copy-json");
    expect(press("?", { shiftKey: true })).toBe("sheet");
    expect(toTooltip("copy-curl")).toBe("Copy as curl (Shift C)");
  });

  it("leave the browser's own shortcuts alone", () => {
    expect(press("c", { ctrlKey: true })).toBeUndefined();
    expect(press("r", { metaKey: true })).toBeUndefined();
    expect(press("d", { altKey: true })).toBeUndefined();
  });

  it("single keys can be turned off, except in the list", () => {
    for (const key of ["j", " ", "/", "?", "c"]) {
      expect(press(key, { singleKeys: false })).toBeUndefined();
      expect(press(key, { singleKeys: false, focus: "grid" })).toBeDefined();
    }
    expect(press("End", { singleKeys: false })).toBe("live");
    expect(press("Escape", { singleKeys: false })).toBe("close");
    expect(press("Enter", { singleKeys: false, ctrlKey: true })).toBe("send");
  });

  it("are named as on the keyboard", () => {
    const names = (id: string, isMac = false) => SHORTCUTS.filter((each) => each.id === id).flatMap((each) => toKeyNames(each, isMac));
    expect(names("next")).toEqual([["J"], ["↓"]]);
    expect(names("send")).toEqual([["Ctrl", "↵"]]);
    expect(names("send", true)).toEqual([["⌘", "↵"]]);
    expect(toTooltip("pause", "Pause")).toBe("Pause (Space)");
    expect(toTooltip("filter")).toBe("Filter (/)");
  });
});
