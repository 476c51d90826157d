import { describe, expect, it } from "vitest";
import type { GridPage, GridRow } from "../api/record-rows";
import type { EventKind, StreamEvent } from "../stream/stream-event";
import { applyChanges } from "./apply-changes";

const TIME_MS = Date.parse("2030-01-01T00:00:00.000Z");
const at = (ms: number) => new Date(TIME_MS + ms).toISOString();
const row = (id: string, data = "1", updatedMs = 0): GridRow => ({
  id,
  data,
  createdAt: at(0),
  updatedAt: at(updatedMs),
  version: 1,
  contentType: "json",
  owner: null,
});
const page = (...rows: GridRow[]): GridPage => ({ rows, next: null, since: "" });
const event = (kind: EventKind, recordId: string, data = "2", updatedMs = 10): StreamEvent => ({
  kind,
  seq: 1,
  atMs: TIME_MS,
  receivedMs: TIME_MS,
  recordId,
  createdMs: TIME_MS,
  updatedMs: TIME_MS + updatedMs,
  data,
});

describe("applyChanges", () => {
  it("updates rows in place, and marks them", () => {
    const [first, second] = [page(row("a"), row("b")), page(row("c"))];
    const { pages } = applyChanges([first, second], [event("update", "b", "2", 5), event("update", "b", "3", 9)]);
    expect(pages[0]?.rows).toEqual([row("a"), { ...row("b", "3", 9), mark: "changed" }]);
    expect(pages[1]).toBe(second);
  });

  it("keeps the position of a row whose record was deleted", () => {
    const { pages, deleted } = applyChanges([page(row("a"), row("b"))], [event("delete", "a")]);
    expect(pages[0]?.rows).toEqual([{ ...row("a"), mark: "deleted" }, row("b")]);
    expect(deleted).toEqual(["a"]);
  });

  it("counts new records that are not loaded, except those that were deleted again", () => {
    const { pages, created } = applyChanges(
      [page(row("a"))],
      [event("create", "a", "1", 0), event("create", "x"), event("create", "y"), event("delete", "y")],
    );
    expect(created).toEqual(["x"]);
    expect(pages[0]?.rows).toEqual([row("a")]);
  });

  it("ignores changes that the rows already contain", () => {
    const pages = [page(row("a", "5", 20), row("b", "2", 10))];
    expect(applyChanges(pages, [event("update", "a", "2", 10), event("update", "b"), event("update", "other")]).pages).toBe(pages);
  });
});
