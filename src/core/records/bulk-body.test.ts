/** Tests splitting the body of a bulk create into items (R8). */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { splitBulkBody } from "@/src/core/records/record-body";
import { BULK_ITEMS_MAX } from "@/src/shared/streams/protocol";

const split = (data: string) => splitBulkBody({ contentType: "json", data }).map((body) => body.data);

describe("a bulk body", () => {
  it("[R8] yields its items in order, each as it was sent", () => {
    expect(split('[ {"b" : 1.0,"a":[1, "],["]} ,\n1e400, "a\\",", [] ,[[{}]], null,-0]')).toEqual([
      ...['{"b" : 1.0,"a":[1, "],["]}', "1e400", '"a\\","', "[]", "[[{}]]", "null", "-0"],
    ]);
    expect(split("[]")).toEqual([]);
    expect(split("[ \n]")).toEqual([]);
    fc.assert(
      fc.property(fc.array(fc.json()), fc.constantFrom(",", " , ", "\n,\t"), (items, comma) => {
        expect(split(`[${items.join(comma)}]`)).toEqual(items);
      }),
    );
  });

  it.each([["{}"], ["1"], ['"[1]"'], ["null"]])("[R8] must not be %s", (data) => {
    expect(() => split(data)).toThrow(expect.objectContaining({ code: "bulk_needs_array" }));
  });

  it("[R8] must not be text", () => {
    expect(() => splitBulkBody({ contentType: "text", data: '"[1]"' })).toThrow(expect.objectContaining({ code: "bulk_needs_array" }));
  });

  it("[R8] has at most the allowed number of items", () => {
    expect(split(`[${Array(BULK_ITEMS_MAX).fill("1").join(",")}]`)).toHaveLength(BULK_ITEMS_MAX);
    const tooMany = `[${Array(BULK_ITEMS_MAX + 1)
      .fill("1")
      .join(",")}]`;
    expect(() => split(tooMany)).toThrow(expect.objectContaining({ code: "body_too_large" }));
    expect(() => split(tooMany)).toThrow(/10000/);
  });
});
