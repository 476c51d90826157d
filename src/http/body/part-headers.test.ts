import { describe, expect, it } from "vitest";
import { readPartHeaders } from "./part-headers";

/** Header values are strings of bytes. */
const read = (disposition: string | Buffer) =>
  readPartHeaders({ "content-disposition": [Buffer.from(disposition).toString("latin1")], "content-type": ["image/png"] });
const filenameOf = (disposition: string | Buffer) => {
  const headers = read(disposition);
  return typeof headers === "string" ? headers : headers.filename;
};

describe("the file name of a part", () => {
  it.each([
    ["browsers: a quote", 'form-data; name="file"; filename="12%22 disk.png"', '12" disk.png'],
    ["browsers: other percent signs", 'form-data; name="file"; filename="100%25 %41.png"', "100%25 %41.png"],
    ["curl: an escaped quote", 'form-data; name="file"; filename="12\\" disk.png"', '12" disk.png'],
    ["an escaped quote in front of a semicolon", 'form-data; name="file"; filename="a\\"; b.png"', 'a"; b.png'],
    ["an escaped backslash", 'form-data; name="file"; filename="a\\\\b.png"', "a\\b.png"],
    ["a path of Windows", 'form-data; name="file"; filename="C:\\new\\a.png"', "C:\\new\\a.png"],
    ["a backslash at the end", 'form-data; name="file"; filename="a\\"', "a\\"],
    ["a token", "form-data; name=file; filename=a.png", "a.png"],
    ["a token with spaces", "form-data; name=file; filename=my photo.png ; size=3", "my photo.png"],
    ["a single quote", `form-data; name="file"; filename="it's.png"`, "it's.png"],
    ["upper-case names of parameters", 'form-data; NAME="file"; FileName="a.png"', "a.png"],
    ["UTF-8", 'form-data; name="file"; filename="naïve 你好.png"', "naïve 你好.png"],
    ["filename* alone", "form-data; name=file; filename*=UTF-8''na%C3%AFve%20%E2%82%AC.png", "naïve €.png"],
    ["filename* of latin-1", "form-data; name=file; filename*=iso-8859-1'en'%A3%20rates.png", "£ rates.png"],
    ["filename* after filename", `form-data; name="file"; filename="naive.png"; filename*=utf-8''na%C3%AFve.png`, "naïve.png"],
    ["filename* before filename", `form-data; name="file"; filename*=utf-8''na%C3%AFve.png; filename="naive.png"`, "naïve.png"],
    ["filename* in quotes", `form-data; name="file"; filename*="utf-8''na%C3%AFve.png"`, "naïve.png"],
    ["a malformed filename*", `form-data; name="file"; filename="naive.png"; filename*=utf-8''na%C3%`, "naive.png"],
    ["a filename* of an unknown charset", `form-data; name="file"; filename="naive.png"; filename*=klingon''x.png`, "naive.png"],
    ["a filename* that is not UTF-8", `form-data; name="file"; filename="naive.png"; filename*=utf-8''%ff.png`, "naive.png"],
    ["an encoded word, Q", 'form-data; name="file"; filename="=?UTF-8?Q?na=C3=AFve_file.png?="', "naïve file.png"],
    ["an encoded word, B", 'form-data; name="file"; filename="=?utf-8?B?bmHDr3ZlLnBuZw==?="', "naïve.png"],
    [
      "several encoded words",
      'form-data; name="file"; filename="=?utf-8?Q?na=C3?= =?utf-8?Q?=AFve?="',
      "=?utf-8?Q?na=C3?= =?utf-8?Q?=AFve?=",
    ],
    ["an empty one", 'form-data; name="file"; filename=""', ""],
    ["a semicolon in quotes", 'form-data; name="file"; filename="a;name=b.png"', "a;name=b.png"],
    ["none", 'form-data; name="file"', undefined],
  ])("[F1] %s", (_, disposition, filename) => {
    expect(filenameOf(disposition)).toBe(filename);
  });

  it("[F1] in latin-1, which is not UTF-8, is read as windows-1252", () => {
    expect(filenameOf(Buffer.from('form-data; name="file"; filename="Gr\xf6\xdfe \x80.png"', "latin1"))).toBe("Größe €.png");
  });
});

describe("the rest of a part's headers", () => {
  it("[F1] names are unescaped as browsers escape them, and a missing type is undefined", () => {
    expect(readPartHeaders({ "content-disposition": ['form-data; name="a%22b%0D%0Ac"'] })).toEqual({
      name: 'a"b\r\nc',
      filename: undefined,
      type: undefined,
      encoding: "",
    });
  });

  it.each([
    [{}, "A part has no Content-Disposition header."],
    [{ "content-disposition": ['attachment; name="file"'] }, "A part's Content-Disposition is not form-data."],
    [{ "content-disposition": ['form-data; filename="a"'] }, "A part has no name."],
    [{ "content-disposition": ['form-data; name=""'] }, "A part has no name."],
  ])("[F1] %j is refused", (header, problem) => {
    expect(readPartHeaders(header)).toBe(problem);
  });
});
