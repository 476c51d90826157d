/** Drafts in memory and in the storage of a tab. */
import { beforeEach, describe, expect, it } from "vitest";
import { DRAFT_AGE_MAX_MS, DRAFT_LENGTH_MAX, DraftStore } from "./draft-store";

/** A storage as browsers have it, with a limit. */
class TabStorage implements Storage {
  readonly #items = new Map<string, string>();
  constructor(readonly limit = 5_000_000) {}
  get length() {
    return this.#items.size;
  }
  key(index: number) {
    return [...this.#items.keys()][index] ?? null;
  }
  getItem(key: string) {
    return this.#items.get(key) ?? null;
  }
  setItem(key: string, value: string) {
    if (value.length > this.limit) throw new DOMException("full", "QuotaExceededError");
    this.#items.set(key, value);
  }
  removeItem(key: string) {
    this.#items.delete(key);
  }
  clear() {
    this.#items.clear();
  }
}

let nowMs = 0;
let storage: Storage | undefined;
/** A page of the tab. Its timers never fire: the page ends first. */
const openPage = () => new DraftStore({ storage: () => storage, nowMs: () => nowMs, setTimer: () => undefined });

beforeEach(() => {
  nowMs = 1_000_000;
  storage = new TabStorage();
});

describe("[G33] drafts", () => {
  it("survive a reload with the time of their last change", () => {
    const before = openPage();
    before.write("ada/schema/1", "{");
    nowMs += 5;
    before.write("ada/schema/1", "{}");
    before.flush();
    nowMs += 60_000;
    expect(openPage().read("ada/schema/1")).toEqual({ value: "{}", changedAtMs: 1_000_005 });
  });

  it("are the same entry until they change", () => {
    const page = openPage();
    page.write("ada/schema/1", "{}");
    expect(page.read("ada/schema/1")).toBe(page.read("ada/schema/1"));
  });

  it("are removed when they are saved or discarded", () => {
    const page = openPage();
    page.write("ada/schema/1", "{}");
    page.flush();
    page.clear("ada/schema/1");
    page.flush();
    expect([page.read("ada/schema/1"), openPage().read("ada/schema/1"), storage?.length]).toEqual([undefined, undefined, 0]);
  });

  it("that were sent stay in memory, but are no longer unsaved", () => {
    const page = openPage();
    page.write("ada/composer/1", "{}", { isSecret: true });
    page.write("ada/composer/2", "{}");
    for (const key of page.list("ada/")) page.settle(key);
    expect([page.read("ada/composer/2")?.value, page.list("ada/"), page.hasUnkept(), storage?.length]).toEqual(["{}", [], false, 0]);
  });

  it("that can contain a password are never stored, and closing the page asks", () => {
    const page = openPage();
    page.write("ada/new-record/users", { password: "correct horse" }, { isSecret: true });
    page.flush();
    expect([storage?.length, page.hasUnkept()]).toEqual([0, true]);
    page.clear("ada/new-record/users");
    expect(page.hasUnkept()).toBe(false);
  });

  it.each([
    ["too long", () => new TabStorage(), "x".repeat(DRAFT_LENGTH_MAX)],
    ["more than the storage takes", () => new TabStorage(10), "some text"],
    ["in a browser without storage", () => undefined, "some text"],
  ])("that are %s stay in memory, and closing the page asks", (_what, create, value) => {
    storage = create();
    const page = openPage();
    page.write("ada/record/1/a", value);
    expect([page.hasUnkept(), page.read("ada/record/1/a")?.value]).toEqual([true, value]);
  });

  it("are not stored beyond the limit of all drafts together", () => {
    const page = openPage();
    for (const id of ["a", "b", "c", "d"]) page.write(`ada/record/1/${id}`, "x".repeat(1_400_000));
    expect([page.hasUnkept(), openPage().list("ada/")]).toEqual([true, ["ada/record/1/a", "ada/record/1/b", "ada/record/1/c"]]);
  });

  it("expire", () => {
    const page = openPage();
    page.write("ada/schema/1", "{}");
    page.flush();
    nowMs += DRAFT_AGE_MAX_MS + 1;
    expect([openPage().read("ada/schema/1"), storage?.length]).toEqual([undefined, 0]);
  });

  it("of an account are removed together, up to a time", () => {
    const page = openPage();
    page.write("ada/schema/1", "{}");
    page.write("bob/schema/1", "{}");
    page.flush();
    nowMs += 10;
    page.write("ada/schema/2", "{}");
    page.clearAll("ada/", 1_000_009);
    expect([page.list("ada/"), page.list("bob/")]).toEqual([["ada/schema/2"], ["bob/schema/1"]]);
  });

  it("of an unreadable text are ignored", () => {
    storage?.setItem("rested-draft:ada/schema/1", "{broken");
    storage?.setItem("rested-draft:ada/schema/2", "{}");
    expect([openPage().read("ada/schema/1"), openPage().list("ada/")]).toEqual([undefined, []]);
  });
});
