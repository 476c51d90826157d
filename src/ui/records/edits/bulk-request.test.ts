import { describe, expect, it } from "vitest";
import { toChangesText, toUpdateBody } from "./bulk-request";

const set = (field: string, typed: string) => ({ field, op: "set" as const, typed });

describe("[G40] requests that change fields", () => {
  it("have the values as typed, with their digits", () => {
    const changes = [set("price", "1.50"), set(" code ", '"20"'), set("note", "done"), { field: "old", op: "remove" as const, typed: "" }];
    expect(toChangesText(changes)).toEqual({
      ok: true,
      text: '[{"field":"price","value":1.50},{"field":"code","value":"20"},{"field":"note","value":"done"},{"field":"old","remove":true}]',
    });
  });

  it("name the first row that is not complete", () => {
    expect(toChangesText([set("a", "1"), set(" ", "1")])).toMatchObject({ ok: false, index: 1, field: "field" });
    expect(toChangesText([set("a", "")])).toMatchObject({ ok: false, index: 0, field: "value" });
    expect(toChangesText([set("a", "{")])).toMatchObject({
      ok: false,
      index: 0,
      field: "value",
      problem: expect.stringContaining("Column"),
    });
  });

  it("name the selected records, or the search and filters, and where they go on", () => {
    const query = { search: " ada ", filters: ["age > 1"] };
    expect(JSON.parse(toUpdateBody("[]", { query, uniqueIds: undefined }))).toEqual({ changes: [], search: "ada", filter: ["age > 1"] });
    expect(JSON.parse(toUpdateBody("[]", { query, uniqueIds: ["x"] }, "5-9"))).toEqual({ changes: [], uniqueIds: ["x"], cursor: "5-9" });
  });
});
