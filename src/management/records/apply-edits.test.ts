import { describe, expect, it } from "vitest";
import { editRow } from "./apply-edits";

const TARGET = { kind: "data", schema: null, endpointId: "e", ownerId: "o", projectId: "p" } as const;

describe("the edits of a record", () => {
  it("[G40] let other work run between those of a long record", async () => {
    const data = `[${new Array<string>(200_000).fill("1").join(",")}]`;
    const edits = Array.from({ length: 20 }, (_, index) => ({ path: [String(index)], valueText: "2" }));
    let turns = 0;
    const count = () => {
      turns += 1;
      next = setImmediate(count);
    };
    let next = setImmediate(count);
    const at = "2026-01-01T00:00:00.000Z";
    const row = { uniqueId: "r", contentType: "json", data, version: 1, createdAt: at, updatedAt: at, owner: null } as const;
    const ports = { sandbox: { validate: async () => undefined }, recordBytesMax: data.length };
    await editRow(ports, TARGET, { row, edits });
    clearImmediate(next);
    expect(turns).toBeGreaterThanOrEqual(edits.length - 1);
  });
});
