/** Tests addresses with a form suffix (U17). Each is equivalent to a parameter, so that every kind of response has a separate operation. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FORM_TYPE, filePart, toForm } from "@/tests/support/clients/form";
import { createDataServer, type DataServer, type Seed, type SeedOptions } from "@/tests/support/servers/data-server";

let server: DataServer;
beforeAll(async () => {
  server = await createDataServer();
});
afterAll(() => server.close());

interface Ask {
  seed: Seed;
  form: string;
  method?: string;
  query?: string;
  body?: BodyInit;
  type?: string;
  headers?: Record<string, string>;
}

function ask({ seed, form, method = "GET", query = "", body, type = "application/json", headers = {} }: Ask): Promise<Response> {
  return fetch(`${server.origin}${seed.path.replace("?", `${form}?`)}${query}`, {
    method,
    headers: { ...(body === undefined ? {} : { "Content-Type": type }), ...headers },
    ...(body === undefined ? {} : { body }),
  });
}

const seedEndpoint = (options: SeedOptions = {}): Promise<Seed> => server.seed(options);

describe("a data endpoint", () => {
  it("[U17] `:data`, `:query` and `:bulk` do what `dataOnly`, `jsonata` and `bulk` do", async () => {
    const seed = await seedEndpoint();
    const stored = await ask({ seed, form: ":bulk", method: "POST", body: '[{"t":1},{"t":2},{"t":3}]' });
    expect([stored.status, await stored.json()]).toMatchObject([201, [{ data: { t: 1 } }, { data: { t: 2 } }, { data: { t: 3 } }]]);
    expect((await ask({ seed, form: ":bulk", method: "POST", body: '{"t":1}' })).status).toBe(400);
    expect(await (await ask({ seed, form: ":data" })).json()).toEqual([{ t: 1 }, { t: 2 }, { t: 3 }]);
    expect(await (await ask({ seed, form: "%3Adata" })).json()).toHaveLength(3);
    expect(await (await ask({ seed, form: ":query", query: "&jsonata=%24sum(t)&dataOnly=true" })).json()).toBe(6);
    expect((await ask({ seed, form: ":data", method: "HEAD" })).status).toBe(200);
    const page = await ask({ seed, form: ":data", query: "&limit=2" });
    const [, next = ""] = /<([^>]*)>; rel="next"/.exec(page.headers.get("link") ?? "") ?? [];
    expect(await (await fetch(`${server.origin}${next}`)).json()).toEqual([{ t: 3 }]);
  });

  it("[U17] `:file` stores a file, and reads it", async () => {
    const seed = await seedEndpoint();
    const stored = await ask({ seed, form: ":file", method: "POST", body: toForm([filePart("hello")]), type: FORM_TYPE });
    const { uniqueId, data } = await stored.json();
    expect([stored.status, data.file.name]).toEqual([201, "a.txt"]);
    const read = await ask({ seed, form: ":file", query: `&uniqueId=${uniqueId}` });
    expect([read.status, await read.text()]).toEqual([200, "hello"]);
    const json = await ask({ seed, form: ":file", method: "POST", body: "1" });
    expect([json.status, (await json.json()).code]).toEqual([400, "upload_invalid"]);
    expect(await (await ask({ seed, form: ":data" })).json()).toHaveLength(1);
  });

  it("[U17] a method that the form does not support is 405 with the supported ones, and writes nothing", async () => {
    const seed = await seedEndpoint();
    for (const [form, method, allow] of [
      [":data", "POST", "GET, HEAD, OPTIONS"],
      [":query", "PUT", "GET, HEAD, OPTIONS"],
      [":bulk", "GET", "POST, OPTIONS"],
      [":bulk", "DELETE", "POST, OPTIONS"],
      [":file", "PUT", "GET, HEAD, POST, OPTIONS"],
      [":events", "HEAD", "GET, OPTIONS"],
    ] as const) {
      const answer = await ask({ seed, form, method, ...(method === "POST" ? { body: "1" } : {}) });
      expect([form, method, answer.status, answer.headers.get("allow")]).toEqual([form, method, 405, allow]);
    }
    expect(await (await ask({ seed, form: "" })).json()).toEqual([]);
  });

  it("[U17] an unknown form is an unknown name; forms for users are not found, and store no password", async () => {
    const seed = await seedEndpoint();
    for (const form of [":", ":Data", ":toString", ":data:data", ":data/x"]) {
      const answer = await ask({ seed, form });
      expect([form, (await answer.json()).code]).toEqual([form, "endpoint_or_key_invalid"]);
    }
    const login = await ask({ seed, form: ":login", method: "POST", body: '{"username":"ada","password":"correct horse"}' });
    expect([login.status, (await login.json()).code]).toEqual([404, "not_found"]);
    expect(await (await ask({ seed, form: "" })).json()).toEqual([]);
  });

  it("[U17] [U5] a preflight is answered as at other addresses", async () => {
    const seed = await seedEndpoint();
    const headers = { Origin: "https://app.test", "Access-Control-Request-Method": "POST" };
    const answer = await ask({ seed, form: ":bulk", method: "OPTIONS", headers });
    const told = ["access-control-allow-origin", "allow"].map((name) => answer.headers.get(name));
    expect([answer.status, ...told]).toEqual([204, "https://app.test", "POST, OPTIONS"]);
  });
});

describe("an authentication endpoint", () => {
  it("[U17] `:login` and `:logout` log in and out", async () => {
    const seed = await seedEndpoint({ kind: "authentication" });
    const body = '{"username":"ada","password":"correct horse"}';
    expect((await ask({ seed, form: "", method: "POST", body })).status).toBe(201);
    const login = await ask({ seed, form: ":login", method: "POST", query: "&noATCookie=true", body });
    const token = login.headers.get("authorization") ?? "";
    expect([login.status, token]).toEqual([200, expect.stringMatching(/^Bearer /)]);
    const mine = await ask({ seed, form: ":data", headers: { Authorization: token } });
    expect(await mine.json()).toEqual([{ username: "ada" }]);
    const logout = await ask({ seed, form: ":logout", method: "POST", headers: { Authorization: token } });
    expect([logout.status, await logout.json()]).toEqual([200, {}]);
    expect((await ask({ seed, form: "", headers: { Authorization: token } })).status).toBe(401);
    expect((await ask({ seed, form: ":bulk", method: "POST", body: "[]" })).status).toBe(404);
  });
});
