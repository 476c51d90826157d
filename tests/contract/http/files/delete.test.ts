/** Tests that a file is deleted with its record, in whichever way (F3). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { FORM_TYPE, filePart, toForm } from "@/tests/support/clients/form";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";
import { until } from "@/tests/support/until";

let server: DataServer;
let seed: Seed;

beforeAll(async () => {
  server = await createDataServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  await server.pool.query(`DELETE FROM "Record"`);
  await server.folder.files.sweep();
  seed = await server.seed();
});

interface Uploaded {
  uniqueId: string;
  data: { file: { name: string } };
}

async function upload(...texts: string[]): Promise<Uploaded[]> {
  const parts = texts.map((text, index) => filePart(text, { filename: `${index}.txt` }));
  const answer = await fetch(`${server.origin}${seed.path}`, {
    method: "POST",
    headers: { "Content-Type": FORM_TYPE },
    body: toForm(parts),
  });
  expect(answer.status).toBe(201);
  const body: Uploaded | Uploaded[] = await answer.json();
  return Array.isArray(body) ? body : [body];
}

function call(method: string, { uniqueId }: Uploaded, query = "", body?: string, type = "application/json"): Promise<Response> {
  const init = body === undefined ? {} : { body, headers: { "Content-Type": type } };
  return fetch(`${server.origin}${seed.path}&uniqueId=${uniqueId}${query}`, { method, ...init });
}

const textOf = async (file: Uploaded) => (await call("GET", file, "&fileOnly=true")).text();

async function countRows(): Promise<number> {
  const { rows } = await server.pool.query<{ count: number }>(`SELECT count(*)::int AS count FROM "StoredFile"`);
  return rows[0]?.count ?? -1;
}

describe("DELETE", () => {
  it("[F3] [R5] returns the record and removes only its file", async () => {
    const [first, second] = (await upload("one", "two")) as [Uploaded, Uploaded];
    const answer = await call("DELETE", first);
    expect([answer.status, await answer.json()]).toEqual([200, first]);
    await until("its bytes and its row are gone", async () => (await server.folder.list()).length + (await countRows()) === 2);
    await expectProblem(await call("GET", first, "&fileOnly=true"), "record_not_found");
    expect(await textOf(second)).toBe("two");
  });

  it("[F3] [R7] keeps the file if it is refused", async () => {
    const [file] = (await upload("one")) as [Uploaded];
    const answer = await fetch(`${server.origin}${seed.path}&uniqueId=${file.uniqueId}`, {
      method: "DELETE",
      headers: { "If-Match": '"7"' },
    });
    await expectProblem(answer, "version_conflict");
    await server.folder.files.sweep();
    expect(await textOf(file)).toBe("one");
  });
});

describe("PUT", () => {
  it.each([
    ['{"a":1}', "application/json", '{"a":1}'],
    ["a text", "text/plain", '"a text"'],
  ])("[F3] [R4] with strategy=force replaces the file by %s, and removes it", async (body, type, stored) => {
    const [file] = (await upload("one")) as [Uploaded];
    const answer = await call("PUT", file, "&dataOnly=true", body, type);
    expect([answer.status, await answer.text()]).toEqual([200, stored]);
    await expectProblem(await call("GET", file, "&fileOnly=true"), "not_a_file");
    await server.folder.files.sweep();
    expect([await server.folder.list(), await countRows()]).toEqual([[], 0]);
  });

  it("[F3] [R4] with strategy=replace is refused, because JSON is not a file, and the file stays", async () => {
    const [file] = (await upload("one")) as [Uploaded];
    await expectProblem(await call("PUT", file, "&strategy=replace", "{}"), "type_mismatch");
    await server.folder.files.sweep();
    expect(await textOf(file)).toBe("one");
  });

  it("[F1] does not accept a form: a file cannot be changed, only uploaded again", async () => {
    const [file] = (await upload("one")) as [Uploaded];
    await expectProblem(await call("PUT", file, "", "--x--", "multipart/form-data; boundary=x"), "content_type_unsupported");
    expect(await textOf(file)).toBe("one");
  });
});
