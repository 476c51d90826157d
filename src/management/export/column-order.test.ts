/** The order of a table's columns: that of every record where they agree, and a defined one where they do not. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { ColumnOrder } from "./column-order";

function order(...records: string[]) {
  const found = new ColumnOrder();
  for (const record of records) found.add(record);
  const { columns, isExact } = found.sort();
  return [columns.join(""), isExact];
}

it.each([
  [[], "", true],
  [["ab", "ab"], "ab", true],
  [["ac", "abc"], "abc", true],
  [["ac", "b", "ba"], "bac", true],
  [["ax", "bx"], "abx", true],
  [["ab", "ba"], "ab", false],
  [["ab", "bc", "ca", "xa"], "xabc", false],
])("[G14] the columns of %j are %j", (records, columns, isExact) => {
  expect(order(...records)).toEqual([columns, isExact]);
});

it("[G14] where an order keeps that of all records it is found, and it is said where there is none", () => {
  const records = fc.array(fc.shuffledSubarray([..."abcdef"]), { maxLength: 8 });
  fc.assert(
    fc.property(records, (sent) => {
      const found = new ColumnOrder();
      for (const record of sent) found.add(record);
      const { columns, isExact } = found.sort();
      expect([...columns].sort()).toEqual([...new Set(sent.flat())].sort());
      const isKept = sent.every((record) => {
        const places = record.map((name) => columns.indexOf(name));
        return places.every((place, index) => index === 0 || place > (places[index - 1] ?? 0));
      });
      expect(isKept).toBe(isExact);
    }),
  );
  const sorted = fc.array(fc.subarray([..."abcdefgh"]), { maxLength: 8 });
  fc.assert(
    fc.property(sorted, (sent) => {
      expect(order(...sent.map((record) => record.join("")))[1]).toBe(true);
    }),
  );
});

it("[G14] more pairs than are kept have no order", () => {
  const found = new ColumnOrder();
  for (let first = 0; first < 400; first += 1)
    for (let second = first + 1; second < 700; second += 1) found.add([`k${first}`, `k${second}`]);
  expect(found.sort()).toMatchObject({ isExact: false });
  expect(found.size).toBe(700);
});
