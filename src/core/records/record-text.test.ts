/** The text of a record is split at its data without parsing it. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { splitRecordText, toRecordText } from "./record-text";

const record = fc.record({
  id: fc.uuid().map((uuid) => uuid.replaceAll("-", "")),
  version: fc.nat(),
  data: fc.oneof(
    fc.json(),
    fc.constantFrom('","createdAt":"', '{"data":{"uniqueId":"x"}}').map((text) => JSON.stringify(text)),
  ),
  createdAt: fc.date({ min: new Date(0), max: new Date("9999-12-31"), noInvalidDate: true }).map((date) => date.toISOString()),
  updatedAt: fc.constant("2026-01-02T03:04:05.678Z"),
});

describe("splitRecordText", () => {
  it("[R1] [W29] finds the id and the data of every record", () => {
    fc.assert(
      fc.property(record, (stored) => {
        const text = toRecordText(stored);
        const { id, before, data, after } = splitRecordText(text);
        expect([id, data]).toEqual([stored.id, stored.data]);
        expect(before + data + after).toBe(text);
      }),
    );
  });

  it.each(["", "{}", '{"uniqueId":"1","data":1}', `{"uniqueId":"${"0".repeat(32)}","data":1,"createdAt":"x"}`])(
    "[W29] throws for %j, so that nothing is judged by a part of a record",
    (text) => {
      expect(() => splitRecordText(text)).toThrow("not the text of a record");
    },
  );
});
