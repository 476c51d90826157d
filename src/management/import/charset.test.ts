/** Encodings of import files: declared by the file, declared by the request, and guessed. */
import { expect, it } from "vitest";
import { type DecodeOptions, decodeChunks, type FoundCharset, type NamedCharset, toCharset } from "./charset";

/** `size` is the size of a chunk. */
async function decode(bytes: Uint8Array, { size = 1 << 20, ...options }: Partial<DecodeOptions> & { size?: number } = {}) {
  let found: FoundCharset | undefined;
  let text = "";
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const onFound = (charset: FoundCharset) => {
    found = charset;
  };
  try {
    for await (const piece of decodeChunks(chunks(), { mayGuess: true, line: () => 1, onFound, ...options })) text += piece;
  } catch (error) {
    return error instanceof Error ? error.message : error;
  }
  return [text, found?.name, found?.isGuess];
}

const TEXT = "name;größe\r\n\u20acuro;„ñ“\r\n";
const utf16le = Buffer.from(TEXT, "utf16le");
const utf16be = Buffer.from(utf16le).swap16();
/** As Excel writes it. */
const ansi = Buffer.from(TEXT.replace("\u20ac", "\x80").replace("„", "\x84").replace("“", "\x93"), "latin1");
const mark = (...bytes: number[]) => Buffer.from(bytes);
const named = (name: string, from: NamedCharset["from"] = "parameter"): NamedCharset => ({ name, from });

it.each([
  ["UTF-8", Buffer.from(TEXT), "utf-8", false],
  ["UTF-8 with a mark", Buffer.from(`\ufeff${TEXT}`), "utf-8", false],
  ["UTF-16LE with a mark", Buffer.concat([mark(0xff, 0xfe), utf16le]), "utf-16le", false],
  ["UTF-16BE with a mark", Buffer.concat([mark(0xfe, 0xff), utf16be]), "utf-16be", false],
  ["UTF-16LE without one", utf16le, "utf-16le", false],
  ["UTF-16BE without one", utf16be, "utf-16be", false],
  ["Excel's ANSI", ansi, "windows-1252", true],
])("[G14] %s, wherever chunks end", async (_, bytes, name, isGuess) => {
  for (const size of [1, 2, 3, 7, 1024]) expect(await decode(bytes, { size })).toEqual([TEXT, name, isGuess]);
});

it("[G14] ANSI is found behind any amount of ASCII, and a character's beginning at the end of a chunk is kept", async () => {
  const ascii = "a,b\r\n".repeat(1000);
  const bytes = Buffer.from(`${ascii}caf\xe9\xdf\xc3`, "latin1");
  for (const size of [1, 1023, 1024, 5003, 5004, 5005]) {
    expect(await decode(bytes, { size })).toEqual([`${ascii}caféßÃ`, "windows-1252", true]);
  }
  expect(await decode(Buffer.from([0xe9]))).toEqual(["é", "windows-1252", true]);
  expect(await decode(new Uint8Array())).toEqual(["", "utf-8", false]);
});

it("[G14] an encoding that a request names is what counts; a mark counts more than a content type", async () => {
  const russian = Buffer.from([0xcf, 0xf0, 0xe8, 0xe2, 0xe5, 0xf2]);
  expect(await decode(russian, { charset: named("windows-1251") })).toEqual(["Привет", "windows-1251", false]);
  expect(await decode(russian, { charset: named("windows-1251", "content-type") })).toEqual(["Привет", "windows-1251", false]);
  const marked = Buffer.concat([mark(0xff, 0xfe), utf16le]);
  expect(await decode(marked, { charset: named("utf-8", "content-type") })).toEqual([TEXT, "utf-16le", false]);
  expect(await decode(marked, { charset: named("utf-8") })).toMatch(/not utf-8/);
  for (const bytes of [utf16le, marked]) expect(await decode(bytes, { charset: named("utf-16") })).toEqual([TEXT, "utf-16le", false]);
  expect(await decode(Buffer.concat([mark(0xfe, 0xff), utf16be]), { charset: named("utf-16") })).toEqual([TEXT, "utf-16be", false]);
});

it.each([
  ["ANSI, where nothing may be guessed", ansi, { mayGuess: false }, /^Line 1: the file is not UTF-8\. .* add charset=windows-1252/],
  ["its line", Buffer.from("a\nb\n\xe9\n", "latin1"), { mayGuess: false }, /^Line 3: /],
  ["UTF-8 with a fault", Buffer.concat([Buffer.from("é".repeat(9)), mark(0xe9)]), {}, /^Line 1: these bytes are not UTF-8, while others/],
  ["UTF-8 with a fault much later", Buffer.concat([Buffer.from(`é${"a".repeat(4000)}`), mark(0xe9)]), { size: 1500 }, /while others/],
  ["UTF-8 that breaks off", Buffer.from("ää").subarray(0, 3), {}, /while others/],
  ["ANSI that is named UTF-8", ansi, { charset: named("utf-8", "content-type") }, /not utf-8/],
  ["UTF-16 that breaks off", utf16le.subarray(0, 21), {}, /not utf-16le/],
  ["half of a surrogate pair in UTF-16", Buffer.concat([utf16le, mark(0x00, 0xd8)]), {}, /not utf-16le/],
  ["UTF-32", mark(0xff, 0xfe, 0, 0, 0x61, 0, 0, 0), {}, /UTF-32/],
  ["a workbook", Buffer.from("PK\x03\x04…"), {}, /workbook/],
  ["an old workbook", mark(0xd0, 0xcf, 0x11, 0xe0, 0xa1), {}, /workbook/],
] as const)("[G14] refuses %s", async (_, bytes, options, message) => {
  expect(await decode(bytes, options)).toMatch(message);
});

it("[G14] encodings have the names of the Encoding Standard, and a few that people use", () => {
  expect(["Latin1", "ANSI", "us-ascii", " UTF8 ", "utf-16", "unicode", "sjis", "cp1250"].map(toCharset)).toEqual([
    "windows-1252",
    "windows-1252",
    "utf-8",
    "utf-8",
    "utf-16",
    "utf-16le",
    "shift_jis",
    "windows-1250",
  ]);
  expect(["utf-7", "utf-32", "", "toString", "x".repeat(1000), "iso-2022-kr"].map(toCharset)).toEqual(Array(6).fill(undefined));
});
