/** Tests forms as browsers, HTTP libraries and handwritten clients send them (F1, F2). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { BOUNDARY, FORM_TYPE, filePart, toForm } from "@/tests/support/clients/form";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";

let server: DataServer;
let seed: Seed;

beforeAll(async () => {
  server = await createDataServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  seed = await server.seed();
});

const send = (body: BodyInit, type = FORM_TYPE): Promise<Response> =>
  fetch(`${server.origin}${seed.path}`, { method: "POST", headers: { "Content-Type": type }, body });

/** A part: its headers and its content. */
const rawPart = (headers: readonly (string | Buffer)[], content: string | Uint8Array = "x"): Buffer<ArrayBuffer> =>
  Buffer.concat([
    Buffer.from(`--${BOUNDARY}\r\n`),
    ...headers.flatMap((header) => [Buffer.from(header), Buffer.from("\r\n")]),
    Buffer.from("\r\n"),
    Buffer.from(content),
    Buffer.from("\r\n"),
  ]);
const END = Buffer.from(`--${BOUNDARY}--\r\n`);
const toRawForm = (...parts: Buffer[]): Buffer<ArrayBuffer> => Buffer.concat([...parts, END]);

interface Sent {
  uniqueId: string;
  data: { file: { name: string; type: string; size: number }; metadata: Record<string, unknown> };
}

async function stored(body: BodyInit, type?: string): Promise<Sent> {
  const answer = await send(body, type);
  expect(answer.status, await answer.clone().text()).toBe(201);
  return answer.json();
}

const readFile = (id: string, init?: RequestInit) => fetch(`${server.origin}${seed.path}&uniqueId=${id}&fileOnly=true`, init);

describe("the type of a file", () => {
  it.each([
    ["photo.png", "image/png", "inline"],
    ["PHOTO.JPEG", "image/jpeg", "inline"],
    ["logo.svg", "image/svg+xml", "attachment"],
    ["page.HTML", "text/html", "attachment"],
    ["notes.txt", "text/plain", "inline"],
    ["data", "application/octet-stream", "attachment"],
  ])("[F1] [F2] a part without a type, named %s, is stored as %s and %s", async (filename, type, shown) => {
    const record = await stored(toRawForm(rawPart([`Content-Disposition: form-data; name="file"; filename="${filename}"`], "<script>")));
    expect(record.data.file.type).toBe(type);
    const answer = await readFile(record.uniqueId, { method: "HEAD" });
    expect(answer.headers.get("content-type")?.split(";")[0]).toBe(type);
    expect(answer.headers.get("content-disposition")).toMatch(new RegExp(`^${shown};`));
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect(answer.headers.get("content-security-policy")).toMatch(/^sandbox;/);
  });

  it.each([
    ["application/octet-stream", "application/octet-stream", "application/octet-stream"],
    ["Text/Plain; Charset=ISO-8859-1", "text/plain; charset=windows-1252", "text/plain; charset=windows-1252"],
    ["text/plain;charset=UTF-8", "text/plain", "text/plain; charset=utf-8"],
    ["image/png; name=photo.png", "image/png", "image/png"],
  ])("[F1] [F2] %s, as declared, is stored as %s and returned as %s", async (declared, type, answered) => {
    const record = await stored(toForm([filePart("x", { filename: "a.jpg", type: declared })]));
    expect(record.data.file.type).toBe(type);
    const answer = await readFile(record.uniqueId);
    expect(answer.headers.get("content-type")).toBe(answered);
  });
});

describe("the name of a file", () => {
  const plain = (filename: string | Buffer) =>
    Buffer.concat([Buffer.from('Content-Disposition: form-data; name="file"; filename="'), Buffer.from(filename), Buffer.from('"')]);
  it.each([
    ["a quote, as browsers send it", plain("12%22 disk.png"), '12" disk.png', "12_ disk.png", "12%22%20disk.png"],
    ["a quote, as curl sends it", plain('12\\" disk.png'), '12" disk.png', "12_ disk.png", "12%22%20disk.png"],
    ["latin-1", plain(Buffer.from("Gr\xf6\xdfe.png", "latin1")), "Größe.png", "Gro_e.png", "Gr%C3%B6%C3%9Fe.png"],
    [
      "filename* alone",
      "Content-Disposition: form-data; name=file; filename*=UTF-8''na%C3%AFve%20%E2%82%AC.png",
      "naïve €.png",
      "naive _.png",
      "na%C3%AFve%20%E2%82%AC.png",
    ],
    [
      "filename* with folders",
      "Content-Disposition: form-data; name=file; filename*=UTF-8''..%2F..%2Fetc%5Cpass%0D%0Awd.png",
      "passwd.png",
      "passwd.png",
      undefined,
    ],
    ["an emoji of several", plain("👩‍👧.png"), "👩‍👧.png", "___.png", "%F0%9F%91%A9%E2%80%8D%F0%9F%91%A7.png"],
    ["255 bytes", plain(`${"é".repeat(125)}a.png`), `${"é".repeat(125)}a.png`, `${"e".repeat(125)}a.png`, `${"%C3%A9".repeat(125)}a.png`],
    [
      "more than 255 bytes",
      plain(`${"é".repeat(300)}.png`),
      `${"é".repeat(125)}.png`,
      `${"e".repeat(125)}.png`,
      `${"%C3%A9".repeat(125)}.png`,
    ],
  ])("[F1] [F2] with %s is stored, and returned as in RFC 6266", async (_, header, name, fallback, extended) => {
    const record = await stored(toRawForm(rawPart([header])));
    expect(record.data.file.name).toBe(name);
    const answer = await readFile(record.uniqueId);
    const star = extended === undefined ? "" : `; filename*=UTF-8''${extended}`;
    expect(answer.headers.get("content-disposition")).toBe(`inline; filename="${fallback}"${star}`);
  });
});

describe("an empty file input", () => {
  const empty = (name: string) =>
    rawPart([`Content-Disposition: form-data; name="${name}"; filename=""`, "Content-Type: application/octet-stream"], "");

  it("[F1] is not a file: the rest of the form is stored", async () => {
    const form = toRawForm(
      empty("file"),
      rawPart(['Content-Disposition: form-data; name="album"'], "summer"),
      toFilePart("a.png"),
      empty("photo"),
    );
    expect(await stored(form)).toMatchObject({ data: { file: { name: "a.png" }, metadata: { album: "summer" } } });
    expect(await server.count(seed)).toEqual({ records: 1, changes: 1 });
  });

  it("[F1] does not count as one of ten files", async () => {
    const files = Array.from({ length: 10 }, (_, index) => toFilePart(`${index}.png`));
    const answer = await send(toRawForm(empty("file"), ...files));
    expect([answer.status, (await answer.json()).map((record: Sent) => record.data.file.name)]).toEqual([
      201,
      Array.from({ length: 10 }, (_, index) => `${index}.png`),
    ]);
  });

  it("[F1] is 400 if the form contains nothing else", async () => {
    const answer = await send(toRawForm(empty("file"), rawPart(['Content-Disposition: form-data; name="album"'], "summer")));
    expect(await answer.clone().json()).toMatchObject({
      detail: "The form's file input is empty. Choose a file before you send the form.",
    });
    await expectProblem(answer, "upload_invalid");
  });

  it("[F1] is a file if it has bytes; a file with a name may be empty", async () => {
    const form = toRawForm(rawPart(['Content-Disposition: form-data; name="file"; filename=""'], "bytes"), toFilePart("b.png", ""));
    expect((await (await send(form)).json()).map((record: Sent) => record.data.file)).toMatchObject([
      { name: "file", size: 5 },
      { name: "b.png", size: 0 },
    ]);
  });
});

function toFilePart(filename: string, content = "x"): Buffer<ArrayBuffer> {
  return rawPart([`Content-Disposition: form-data; name="file"; filename="${filename}"`], content);
}

describe("spellings of a form", () => {
  it.each([
    [
      "a preamble and an epilogue",
      Buffer.concat([Buffer.from("To be ignored.\r\n"), toRawForm(toFilePart("a.png")), Buffer.from("More of it.")]),
      FORM_TYPE,
    ],
    ["a boundary in quotes", toRawForm(toFilePart("a.png")), `multipart/form-data; charset=utf-8; boundary="${BOUNDARY}"`],
    ["an upper-case type", toRawForm(toFilePart("a.png")), `Multipart/Form-Data; BOUNDARY=${BOUNDARY}`],
    ["no line break after its end", Buffer.concat([toFilePart("a.png"), Buffer.from(`--${BOUNDARY}--`)]), FORM_TYPE],
    [
      "base64",
      toRawForm(
        rawPart(['Content-Disposition: form-data; name="file"; filename="a.png"', "Content-Transfer-Encoding: BASE64"], "eA==\r\n"),
      ),
      FORM_TYPE,
    ],
    [
      "quoted-printable",
      toRawForm(
        rawPart(["content-disposition: form-data; name=file; filename=a.png", "content-transfer-encoding: quoted-printable"], "=78=\r\n"),
      ),
      FORM_TYPE,
    ],
    [
      "folded headers",
      toRawForm(rawPart(["Content-Disposition: form-data;", ' name="file";', '\tfilename="a.png"', "X-Other: 1"])),
      FORM_TYPE,
    ],
  ])("[F1] with %s is read", async (_, form, type) => {
    const record = await stored(form, type);
    expect(record.data.file).toMatchObject({ name: "a.png", type: "image/png", size: 1 });
    expect(await (await readFile(record.uniqueId)).text()).toBe("x");
  });

  it.each([
    ["a text field in latin-1", ['Content-Disposition: form-data; name="place"'], Buffer.from("Z\xfcrich", "latin1"), "Zürich"],
    [
      "a text field with its charset",
      ['Content-Disposition: form-data; name="place"', "Content-Type: text/plain; charset=shift_jis"],
      Buffer.from([0x93, 0x8c, 0x8b, 0x9e]),
      "東京",
    ],
    [
      "a text field in base64",
      ['Content-Disposition: form-data; name="place"', "Content-Transfer-Encoding: base64"],
      "WsO8cmljaA==",
      "Zürich",
    ],
    ["a text field without content", ['Content-Disposition: form-data; name="place"'], "", ""],
  ])("[F1] with %s is read", async (_, headers, content, place) => {
    const record = await stored(toRawForm(toFilePart("a.png"), rawPart(headers, content)));
    expect(record.data.metadata).toEqual({ place });
  });

  it.each([
    ["lines that end with LF alone", Buffer.from(toRawForm(toFilePart("a.png")).toString().replaceAll("\r\n", "\n")), FORM_TYPE, "CRLF"],
    [
      "headers that end with LF alone",
      toRawForm(Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.png"\n\nx\r\n`)),
      FORM_TYPE,
      "CRLF",
    ],
    ["no last boundary", toFilePart("a.png"), FORM_TYPE, "does not end with its boundary"],
    ["a type without a boundary", toRawForm(toFilePart("a.png")), "multipart/form-data", "has no boundary"],
    [
      "another boundary than the type's",
      toRawForm(toFilePart("a.png")),
      "multipart/form-data; boundary=other",
      "does not end with its boundary",
    ],
    [
      "a multipart body in it",
      toRawForm(rawPart(['Content-Disposition: form-data; name="file"', "Content-Type: multipart/mixed; boundary=inner"], "--inner--")),
      FORM_TYPE,
      "itself a multipart body",
    ],
    ["a part without headers", toRawForm(rawPart([]), toFilePart("a.png")), FORM_TYPE, "no Content-Disposition"],
    ["an attachment", toRawForm(rawPart(['Content-Disposition: attachment; filename="a.png"'])), FORM_TYPE, "not form-data"],
    [
      "an encoding that is not supported",
      toRawForm(rawPart(['Content-Disposition: form-data; name="file"; filename="a"', "Content-Transfer-Encoding: uuencode"])),
      FORM_TYPE,
      "uuencode",
    ],
    [
      "bytes that are not base64",
      toRawForm(rawPart(['Content-Disposition: form-data; name="file"; filename="a"', "Content-Transfer-Encoding: base64"], "!")),
      FORM_TYPE,
      "not base64",
    ],
    ["a file under another name", toRawForm(rawPart(['Content-Disposition: form-data; name="photo"; filename="a"'])), FORM_TYPE, '"photo"'],
  ])("[F1] with %s is refused with the problem, and nothing is left", async (_, form, type, detail) => {
    const answer = await send(form, type);
    expect((await answer.clone().json()).detail).toContain(detail);
    await expectProblem(answer, "upload_invalid");
    expect(await server.count(seed)).toEqual({ records: 0, changes: 0 });
  });
});
