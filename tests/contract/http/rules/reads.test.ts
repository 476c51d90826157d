/** Tests that access rules decide what each caller reads over HTTP (S7). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRuledWorld, type RuledCaller } from "@/tests/support/ruled-world";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";

let server: RealtimeServer;
beforeAll(async () => {
  server = await createRealtimeServer();
});
afterAll(() => server.close());

const idsOf = (body: { uniqueId: string }[]) => body.map(({ uniqueId }) => uniqueId);
const MEMBERS = { read: "data.members ~ @user.id | @owner = @user.id" };

describe("single records", () => {
  it("[S7] a refused record is 403 in every form, whatever the request asks about it", async () => {
    const { ask, add, world } = await createRuledWorld(server, MEMBERS, { secure: true });
    const id = await add("ann", { members: [world.users.sue.id], text: "to sue" });
    for (const as of ["ann", "sue", "master"] as const)
      expect(idsOf((await ask(as, "GET", { query: `&uniqueId=${id}` })).body)).toEqual([id]);
    for (const query of ["", "&dataOnly=true", "&jsonata=$count($)", "&fileOnly=true", "&stream=true"]) {
      const refused = await ask("bob", "GET", { query: `&uniqueId=${id}${query}` });
      expect([refused.status, refused.body.code, refused.headers.get("etag")], query).toEqual([403, "access_denied", null]);
    }
    for (const header of ['"1"', '"2"', "*"]) {
      const refused = await ask("bob", "GET", { query: `&uniqueId=${id}`, headers: { "If-None-Match": header } });
      expect([refused.status, refused.headers.get("etag")], header).toEqual([403, null]);
    }
    expect((await ask("bob", "HEAD", { query: `&uniqueId=${id}` })).status).toBe(403);
    expect((await ask("bob", "GET", { query: `&uniqueId=${"0".repeat(32)}` })).body).toEqual([]);
  });

  it("[S7] a rule sees the state that is stored now", async () => {
    const { ask, add, world } = await createRuledWorld(server, MEMBERS, { secure: true });
    const id = await add("ann", { members: [] });
    expect((await ask("bob", "GET", { query: `&uniqueId=${id}` })).status).toBe(403);
    await ask("ann", "PUT", { query: `&uniqueId=${id}`, body: { members: [world.users.bob.id] } });
    expect((await ask("bob", "GET", { query: `&uniqueId=${id}` })).status).toBe(200);
  });

  it("[S7] changed rules apply to the next request", async () => {
    const { ask, add, setRules } = await createRuledWorld(server, { read: "true" });
    const id = await add(undefined);
    expect((await ask("nobody", "GET", { query: `&uniqueId=${id}` })).status).toBe(200);
    await setRules({ read: "false" });
    expect((await ask("nobody", "GET", { query: `&uniqueId=${id}` })).status).toBe(403);
    await setRules(null);
    expect((await ask("nobody", "GET", { query: `&uniqueId=${id}` })).status).toBe(200);
  });

  it("[S7] stored rules that are not valid refuse everything but the master key", async () => {
    const { ask, add } = await createRuledWorld(server, { read: "data.n = " });
    const id = await add(undefined);
    for (const query of ["", `&uniqueId=${id}`]) {
      const { status, body } = await ask("nobody", "GET", { query });
      expect(query === "" ? [status, body] : [status, body.code]).toEqual(query === "" ? [200, []] : [403, "access_denied"]);
    }
    expect((await ask("nobody", "POST", { body: { n: 1 } })).status).toBe(403);
    expect((await ask("nobody", "DELETE", { query: `&uniqueId=${id}` })).status).toBe(403);
    expect((await ask("master", "GET")).body).toHaveLength(1);
  });
});

describe("who asks", () => {
  it.each([
    ["nobody is null at an endpoint that is not secure", "nobody", "@user.id missing"],
    ["a token that is sent counts there", "ann", "@user.id exists"],
    ["a user of any endpoint of the project", "sue", "@user.id exists"],
  ] as const)("[S7] %s", async (_, as, read) => {
    const { ask, add } = await createRuledWorld(server, { read });
    const id = await add(undefined);
    expect(idsOf((await ask(as, "GET")).body)).toEqual([id]);
  });

  it("[S7] a token that is not valid fails at an endpoint with rules, although it is not secure", async () => {
    const { ask, add, world, setRules } = await createRuledWorld(server, { read: "true" });
    await add(undefined);
    const sent = [
      { Authorization: "Bearer bad" },
      { Authorization: `Bearer ${world.ended.expired}` },
      { Authorization: `Bearer ${world.users.fox.token}` },
      { Cookie: `__Secure-rested-access-token=${world.ended.revoked}` },
    ];
    for (const headers of sent) expect((await ask("nobody", "GET", { headers })).body.code).toBe("access_token_invalid");
    await setRules(null);
    for (const headers of sent) expect((await ask("nobody", "GET", { headers })).status).toBe(200);
  });

  it("[S7] a cookie that does not count is nobody's", async () => {
    const { ask, add, world } = await createRuledWorld(server, { read: "@user.id missing" });
    await add(undefined);
    const Cookie = `__Secure-rested-access-token=${world.users.ann.token}`;
    expect((await ask("nobody", "GET", { headers: { Cookie } })).body).toHaveLength(0);
    expect((await ask("nobody", "GET", { headers: { Cookie, Origin: "https://other.example" } })).body).toHaveLength(1);
  });

  it("[S7] records that a user creates at an endpoint with rules belong to the user", async () => {
    const { ask } = await createRuledWorld(server, { read: "@owner = @user.id" });
    const { uniqueId } = (await ask("ann", "POST", { body: { n: 1 } })).body;
    expect(idsOf((await ask("ann", "GET")).body)).toEqual([uniqueId]);
    expect((await ask("bob", "GET")).body).toEqual([]);
    expect((await ask("nobody", "GET")).body).toEqual([]);
  });

  it("[S7] @user.data follows the user's own record", async () => {
    const { ask, add, setUser } = await createRuledWorld(server, { read: '@user.data.role = "admin"' }, { secure: true });
    const id = await add("bob");
    const status = async () => (await ask("ann", "GET", { query: `&uniqueId=${id}` })).status;
    expect(await status()).toBe(403);
    await setUser("ann", { role: "admin" });
    expect(await status()).toBe(200);
    await setUser("ann", { role: "guest" });
    expect(await status()).toBe(403);
  });

  it("[S7] @user.data follows changes that another server has made, after the next check", async () => {
    const { ask, add, world } = await createRuledWorld(server, { read: '@user.data.role = "admin"' }, { secure: true });
    const id = await add("bob");
    const status = async () => (await ask("ann", "GET", { query: `&uniqueId=${id}` })).status;
    expect(await status()).toBe(403);
    await server.tick();
    expect(await status()).toBe(403);
    await server.pool.query(`UPDATE "Record" SET data = '{"username":"ann","role":"admin"}' WHERE id = $1`, [world.users.ann.id]);
    await server.tick();
    expect(await status()).toBe(200);
  });

  it("[S7] the switches apply to operations without a rule", async () => {
    const { ask, add } = await createRuledWorld(server, { create: "true" }, { secure: true, othersCanUpdate: true });
    const id = await add("ann");
    const query = `&uniqueId=${id}`;
    expect((await ask("bob", "GET", { query })).status).toBe(403);
    expect((await ask("bob", "PUT", { query, body: { n: 2 } })).status).toBe(200);
    expect((await ask("bob", "DELETE", { query })).status).toBe(403);
    expect((await ask("ann", "DELETE", { query })).status).toBe(200);
  });
});

describe("files", () => {
  it("[S7] [F2] no cache may keep a file of an endpoint with rules", async () => {
    const { world, setRules } = await createRuledWorld(server, null);
    await server.pool.query(`UPDATE "Endpoint" SET "fileCacheSeconds" = 60 WHERE id = $1`, [world.endpointId]);
    const url = `${server.httpOrigin}${world.path}?key=${world.keys.both}`;
    const form = new FormData();
    form.append("file", new Blob(["hello"]), "a.txt");
    const { uniqueId } = await (await fetch(url, { method: "POST", body: form })).json();
    const headersOf = async () => {
      const answer = await fetch(`${url}&uniqueId=${uniqueId}&fileOnly=true`);
      expect(await answer.text()).toBe("hello");
      return [answer.headers.get("cache-control"), answer.headers.get("cross-origin-resource-policy")];
    };
    await setRules(null);
    expect(await headersOf()).toEqual(["public, max-age=60, no-transform", "cross-origin"]);
    await setRules({ read: "true" });
    expect(await headersOf()).toEqual(["private, no-cache, no-transform", "same-origin"]);
  });

  it("[S7] [F2] [F6] a file is read by those who may read its record", async () => {
    const { ask, world } = await createRuledWorld(
      server,
      { read: "data.metadata.for ~ @user.id", hide: ['file unless @user.data.username != "sue"'] },
      { secure: true },
    );
    const form = new FormData();
    form.append("for", world.users.bob.id);
    form.append("for", world.users.sue.id);
    form.append("file", new Blob(["hello"], { type: "text/plain" }), "secret-name.txt");
    const upload = await fetch(`${server.httpOrigin}${world.path}?key=${world.keys.both}`, {
      method: "POST",
      body: form,
      headers: { Authorization: `Bearer ${world.users.ann.token}` },
    });
    // ann may not read what she has sent.
    const created = await upload.json();
    expect([upload.status, Object.keys(created)]).toEqual([201, ["uniqueId", "updatedAt"]]);
    const get = (as: RuledCaller, query: string, method = "GET") => {
      const headers = as === "nobody" || as === "master" ? {} : { Authorization: `Bearer ${world.users[as].token}` };
      return fetch(`${server.httpOrigin}${world.path}?key=${world.keys.both}&uniqueId=${created.uniqueId}${query}`, { method, headers });
    };
    const file = await get("bob", "&fileOnly=true");
    expect([file.status, await file.text()]).toEqual([200, "hello"]);
    for (const as of ["ann", "sue"] as const) {
      for (const [query, method] of [["&fileOnly=true"], ["&fileOnly=true", "HEAD"], ["&fileToken=true", "POST"]] as const) {
        const refused = await get(as, query, method);
        expect([refused.status, JSON.stringify([...refused.headers]).includes("secret-name")]).toEqual([403, false]);
        expect(await refused.text()).not.toContain("secret-name");
      }
    }
    // A file token is judged again when it is used.
    const { url } = await (await get("bob", "&fileToken=true", "POST")).json();
    expect((await fetch(url)).status).toBe(200);
    await ask("master", "PUT", { query: `&uniqueId=${created.uniqueId}&strategy=merge`, body: { metadata: { for: "" } } });
    expect((await fetch(url)).status).toBe(403);
  });
});
