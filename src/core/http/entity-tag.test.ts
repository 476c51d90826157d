/** Tests entity tags and conditional headers (R7). */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isNamedBy, parseIfMatch, toEntityTag, writeIfMatch } from "@/src/core/http/entity-tag";
import { AppError } from "@/src/shared/errors";

describe("If-Match", () => {
  it.each<[string | undefined, readonly number[] | undefined]>([
    [undefined, undefined],
    ["*", undefined],
    [" * ", undefined],
    ['"3"', [3]],
    [' "3" ', [3]],
    ['"3", "12"', [3, 12]],
    ['"3","3" ,, "4",', [3, 4]],
    ['"2147483647"', [2147483647]],
    ['W/"3"', [3]],
    ['W/"3", "4" , W/"3"', [3, 4]],
    ['"3-gzip"', [3]],
    ['W/"3-br"', [3]],
    ['"3--gzip", "4;zstd"', [3, 4]],
  ])("[R7] %s allows %j", (header, versions) => {
    expect(parseIfMatch(header)).toEqual(versions);
  });

  it.each([
    ["a lowercase w", 'w/"3"'],
    ["a space after W/", 'W/ "3"'],
    ["an unknown suffix", '"3-foo"'],
    ["two suffixes", '"3-gzip-br"'],
    ["a suffix alone", '"-gzip"'],
    ["a tag that no record has", '"abc"'],
    ["version 0", '"0"'],
    ["a leading zero", '"03"'],
    ["a version beyond all", '"2147483648"'],
    ["a tag without quotes", "3"],
    ["an open quote", '"3'],
    ["nothing", ""],
    ["commas alone", " , ,"],
    ["two tags without a comma", '"3" "4"'],
    ["a star in a list", '*, "3"'],
    ["a good tag, then rubbish", '"3", x'],
  ])("[R7] %s matches nothing", (_what, header) => {
    expect(parseIfMatch(header)).toEqual([]);
  });

  it("[R7] allows exactly the versions whose tags are listed", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 2 ** 31 - 1 }), { minLength: 1 }), (versions) => {
        expect(parseIfMatch(versions.map((version) => toEntityTag({ version })).join(", "))).toEqual(versions);
      }),
    );
  });
});

describe("If-None-Match", () => {
  it.each<[string | undefined, boolean]>([
    [undefined, false],
    ["*", true],
    ['"3"', true],
    ['W/"3"', true],
    ['"2", W/"3"', true],
    ['"3-gzip"', true],
    ['W/"2--gzip", W/"3--gzip"', true],
    ['"33-gzip"', false],
    ['"3-foo"', false],
    ['"2"', false],
    ['"33"', false],
    ["3", false],
    ["", false],
  ])("[R7] %s names version 3: %s", (header, isNamed) => {
    expect(isNamedBy(header, "3")).toBe(isNamed);
  });
});

describe("conditional writes", () => {
  /** A record that other writers change `others` times, each between a read and the following write. */
  function createRecord({ version, others = 0 }: { version: number; others?: number }) {
    const record = { version, writes: 0 };
    let left = others;
    return {
      record,
      readVersion: () => Promise.resolve(record.version),
      write: (expected: number | undefined) => {
        if (left > 0) {
          left -= 1;
          record.version += 1;
        }
        if (expected !== undefined && expected !== record.version) return Promise.reject(new AppError("version_conflict"));
        record.version += 1;
        record.writes += 1;
        return Promise.resolve(record.version);
      },
    };
  }

  it.each<[readonly number[] | undefined, number, number, number | "version_conflict"]>([
    [undefined, 7, 1, 9],
    [[7], 7, 0, 8],
    [[7], 7, 1, "version_conflict"],
    [[], 7, 0, "version_conflict"],
    [[6, 7], 7, 0, 8],
    [[6, 8], 7, 0, "version_conflict"],
    [[7, 8, 9], 7, 2, 10],
    [[7, 8, 9], 7, 3, "version_conflict"],
    [[9, 7], 7, 1, "version_conflict"],
  ])("[R7] of %j, at version %i with %i other writes meanwhile: %s", async (versions, version, others, outcome) => {
    const { record, ...doors } = createRecord({ version, others });
    const done = writeIfMatch({ versions, ...doors }).catch((error: AppError) => error.code);
    expect([await done, record.writes]).toEqual([outcome, outcome === "version_conflict" ? 0 : 1]);
  });

  it("[R7] passes on why a record cannot be written at all", async () => {
    const refused = writeIfMatch({
      versions: [1, 2],
      readVersion: () => Promise.resolve(undefined),
      write: () => Promise.reject(new AppError("record_not_found")),
    });
    await expect(refused).rejects.toMatchObject({ code: "record_not_found" });
  });
});
