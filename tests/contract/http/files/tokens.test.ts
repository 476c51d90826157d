/** Tests URLs that read the file of one record for a limited time, for `<img>` and `<video>` (F6). */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ErrorCode } from "@/src/shared/errors";
import { FORM_TYPE, filePart, toForm } from "@/tests/support/clients/form";
import { createUser, logOut, type TestUser } from "@/tests/support/clients/users";
import { expectProblem } from "@/tests/support/expect-problem";
import { ACCESS_TOKEN_TTL_MS, createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";

const BYTES = randomBytes(1_000);
const MASTER = "the-master-key";

let server: DataServer;
/** The authentication endpoint of the same project. */
let people: Seed;
/** A secure endpoint whose users can read only their own records. */
let seed: Seed;
let ann: TestUser;

beforeAll(async () => {
  server = await createDataServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  await setUp();
});

async function setUp(options: { secure?: boolean; allowedOrigins?: string[]; disallowNoOrigin?: boolean; othersCanRead?: boolean } = {}) {
  const { secure = true, othersCanRead = false, ...project } = options;
  people = await server.seed({ kind: "authentication", masterKey: MASTER });
  ann = await createUser({ origin: server.origin, path: people.path });
  const endpoint = await server.pool.query<{ id: string }>(
    `INSERT INTO "Endpoint" (id, "projectId", name, secure, "othersCanRead") VALUES (gen_random_uuid(), $1, 'photos/of-people', $2, $3) RETURNING id`,
    [people.projectId, secure, othersCanRead],
  );
  seed = {
    ...people,
    endpointId: endpoint.rows[0]?.id ?? "",
    endpointName: "photos/of-people",
    path: `/api/1/ce/photos/of-people?key=${people.key}`,
  };
  await server.pool.query(`UPDATE "Project" SET "allowedOrigins" = $2, "disallowNoOrigin" = $3 WHERE id = $1`, [
    people.projectId,
    project.allowedOrigins ?? [],
    project.disallowNoOrigin ?? false,
  ]);
  server.definitions.invalidate(people.projectId);
}

const call = (query: string, init: RequestInit = {}) => fetch(`${server.origin}${seed.path}${query}`, init);
const master = { "X-Master-Key": MASTER };

async function upload(headers: Record<string, string> = ann.headers): Promise<string> {
  const answer = await call("", {
    method: "POST",
    headers: { "Content-Type": FORM_TYPE, ...headers },
    body: toForm([filePart(BYTES, { filename: "a.png", type: "image/png" })]),
  });
  expect(answer.status).toBe(201);
  return (await answer.json()).uniqueId;
}

interface Shared {
  fileToken: string;
  expiresAt: string;
  url: string;
}

const ask = (id: string, headers: Record<string, string> = ann.headers, query = "") =>
  call(`&uniqueId=${id}&fileToken=true${query}`, { method: "POST", headers });

async function share(id: string, headers?: Record<string, string>, query?: string): Promise<Shared> {
  const answer = await ask(id, headers, query);
  expect(answer.status, await answer.clone().text()).toBe(201);
  return answer.json();
}

const seconds = (shared: Shared) => Math.round((Date.parse(shared.expiresAt) - server.clock.at.getTime()) / 1000);

describe("a file token", () => {
  it("[F6] is a URL that reads the file without further credentials, whole and in parts", async () => {
    const id = await upload();
    const shared = await share(id);
    expect(shared).toEqual({
      fileToken: expect.stringMatching(/^[A-Za-z0-9_-]+$/),
      expiresAt: expect.stringMatching(/\.000Z$/),
      url: `${server.origin}${seed.path}&uniqueId=${id}&fileToken=${shared.fileToken}`,
    });
    expect(seconds(shared)).toBeGreaterThan(3_590);
    expect(seconds(shared)).toBeLessThanOrEqual(3_600);
    const answer = await fetch(shared.url);
    expect([answer.status, answer.headers.get("content-type"), answer.headers.get("cache-control")]).toEqual([
      200,
      "image/png",
      "private, no-cache, no-transform",
    ]);
    expect(answer.headers.get("cross-origin-resource-policy")).toBe("cross-origin");
    expect(Buffer.from(await answer.arrayBuffer()).equals(BYTES)).toBe(true);
    const part = await fetch(shared.url, { headers: { Range: "bytes=10-19" } });
    expect([part.status, Buffer.from(await part.arrayBuffer())]).toEqual([206, BYTES.subarray(10, 20)]);
    const head = await fetch(shared.url, { method: "HEAD" });
    expect([head.status, head.headers.get("content-length")]).toEqual([200, "1000"]);
    const known = await fetch(shared.url, { headers: { "If-None-Match": answer.headers.get("etag") ?? "" } });
    expect(known.status).toBe(304);
  });

  it("[F6] contains the address that the client used", async () => {
    const answer = await ask(await upload(), { ...ann.headers, "X-Forwarded-Proto": "https", "X-Forwarded-Host": "api.example" });
    expect((await answer.json()).url).toMatch(/^https:\/\/api\.example\/api\/1\/ce\/photos\/of-people\?key=/);
  });

  it.each([
    ["&expiresIn=10", 10],
    ["&expiresIn=86400", 86_400],
  ])("[F6] lasts as long as requested: %s", async (query, length) => {
    const shared = await share(await upload(), ann.headers, query);
    expect(seconds(shared)).toBeLessThanOrEqual(length);
    expect(seconds(shared)).toBeGreaterThanOrEqual(length - 1);
    expect((await fetch(shared.url, { method: "HEAD" })).status).toBe(200);
    const now = server.clock.at;
    try {
      server.clock.at = new Date(Date.parse(shared.expiresAt));
      await expectProblem(await fetch(shared.url), "file_token_invalid");
    } finally {
      server.clock.at = now;
    }
  });

  it.each(["", "0", "9", "86401", "-1", "1e3", "ten", "3600.5"])("[F6] expiresIn=%s is refused", async (value) => {
    await expectProblem(await ask(await upload(), ann.headers, `&expiresIn=${value}`), "parameter_invalid");
  });

  it("[F6] does not outlast the access token", async () => {
    const id = await upload();
    const now = server.clock.at;
    try {
      server.clock.at = new Date(now.getTime() + ACCESS_TOKEN_TTL_MS - 60_000);
      expect(seconds(await share(id))).toBeLessThanOrEqual(60);
    } finally {
      server.clock.at = now;
    }
  });

  it("[F6] works in pages even if requests without an Origin are refused, but not from unlisted origins", async () => {
    await setUp({ allowedOrigins: ["https://app.example"], disallowNoOrigin: true });
    const headers = { ...ann.headers, Origin: "https://app.example" };
    const id = await upload(headers);
    const { url } = await share(id, headers);
    expect((await fetch(url)).status).toBe(200);
    expect((await fetch(url, { headers: { Origin: "https://app.example" } })).headers.get("access-control-allow-origin")).toBe(
      "https://app.example",
    );
    await expectProblem(await fetch(url, { headers: { Origin: "https://evil.example" } }), "origin_not_allowed");
    await expectProblem(await fetch(url.replace(/fileToken=.*/, "fileToken=x")), "file_token_invalid");
    await expectProblem(await call(`&uniqueId=${id}&fileOnly=true`, { headers: ann.headers }), "origin_required");
  });

  it("[F6] can be issued with the master key, and for an open endpoint", async () => {
    const id = await upload(master);
    const byMaster = await share(id, master);
    expect((await fetch(byMaster.url)).status).toBe(200);
    await setUp({ secure: false });
    const open = await share(await upload({}), {});
    expect((await fetch(open.url)).status).toBe(200);
    await server.pool.query(`UPDATE "Endpoint" SET secure = true WHERE id = $1`, [seed.endpointId]);
    server.definitions.invalidate(seed.projectId);
    await expectProblem(await fetch(open.url), "file_token_invalid");
  });
});

describe("a file token can be requested by", () => {
  it("[F6] callers who may read the file", async () => {
    const id = await upload();
    const bob = await createUser({ origin: server.origin, path: people.path });
    await expectProblem(await ask(id, bob.headers), "access_denied");
    await expectProblem(await ask(id, {}), "access_token_missing");
    await expectProblem(await ask(id, { Authorization: "Bearer nonsense" }), "access_token_invalid");
    await server.pool.query(`UPDATE "Endpoint" SET "othersCanRead" = true WHERE id = $1`, [seed.endpointId]);
    server.definitions.invalidate(seed.projectId);
    const { url } = await share(id, bob.headers);
    expect((await fetch(url)).status).toBe(200);
    await server.pool.query(`UPDATE "Endpoint" SET "othersCanRead" = false WHERE id = $1`, [seed.endpointId]);
    server.definitions.invalidate(seed.projectId);
    await expectProblem(await fetch(url), "access_denied");
  });

  it("[F6] keys that may read, but not write-only keys", async () => {
    const id = await upload();
    await server.pool.query(`UPDATE "ApiKey" SET scope = 'write' WHERE id = $1`, [seed.keyId]);
    server.definitions.invalidate(seed.projectId);
    await expectProblem(await ask(id), "key_scope_insufficient");
    await server.pool.query(`UPDATE "ApiKey" SET scope = 'read' WHERE id = $1`, [seed.keyId]);
    server.definitions.invalidate(seed.projectId);
    await share(id);
  });

  it.each<[string, ErrorCode]>([
    ["&fileToken=true", "unique_id_missing"],
    ["&fileToken=true&uniqueId=nonsense", "unique_id_invalid"],
    [`&fileToken=true&uniqueId=${"0".repeat(32)}`, "record_not_found"],
    [`&fileToken=true&uniqueId=${"0".repeat(32)},${"1".repeat(32)}`, "parameter_invalid"],
    [`&fileToken=maybe&uniqueId=${"0".repeat(32)}`, "parameter_invalid"],
  ])("[F6] POST %s is refused", async (query, code) => {
    await expectProblem(await call(query, { method: "POST", headers: ann.headers }), code);
    expect(await server.count(seed)).toEqual({ records: 0, changes: 0 });
  });

  it("[F6] a record of JSON is not_a_file", async () => {
    const headers = { ...ann.headers, "Content-Type": "application/json" };
    const { uniqueId } = await (await call("", { method: "POST", headers, body: "{}" })).json();
    await expectProblem(await ask(uniqueId), "not_a_file");
  });
});

describe("a file token ends", () => {
  it("[F6] with the access token: at a logout", async () => {
    const { url } = await share(await upload());
    await logOut({ origin: server.origin, path: people.path }, ann.token);
    await expectProblem(await fetch(url), "file_token_invalid");
  });

  it("[F6] with the user, the record, the key and the master key", async () => {
    const id = await upload();
    const [byAnn, byMaster] = [await share(id), await share(id, master)];
    await server.pool.query(`UPDATE "Project" SET "masterKeyHash" = sha256('another') WHERE id = $1`, [seed.projectId]);
    server.definitions.invalidate(seed.projectId);
    await expectProblem(await fetch(byMaster.url), "file_token_invalid");
    expect((await fetch(byAnn.url)).status).toBe(200);
    await fetch(`${server.origin}${people.path}&uniqueId=${ann.id}`, { method: "DELETE", headers: ann.headers });
    await expectProblem(await fetch(byAnn.url), "file_token_invalid");

    const bob = await createUser({ origin: server.origin, path: people.path });
    const other = await upload(bob.headers);
    const byBob = await share(other, bob.headers);
    await call(`&uniqueId=${other}`, { method: "DELETE", headers: bob.headers });
    await expectProblem(await fetch(byBob.url), "record_not_found");
    await server.pool.query(`UPDATE "ApiKey" SET "revokedAt" = now() WHERE id = $1`, [seed.keyId]);
    server.definitions.invalidate(seed.projectId);
    await expectProblem(await fetch(byBob.url), "endpoint_or_key_invalid");
  });
});

describe("a file token allows nothing else", () => {
  it("[F6] not another record, a list, a change, a deletion or a stream", async () => {
    const [id, other] = [await upload(), await upload()];
    const { fileToken } = await share(id);
    const token = `&fileToken=${fileToken}`;
    for (const query of [
      "",
      `&uniqueId=${other}`,
      `&uniqueId=${id},${other}`,
      `&uniqueId=${other}&uniqueId=${id}`,
      `&uniqueId=${id.toUpperCase()}`,
      `&uniqueId=`,
    ])
      await expectProblem(await call(`${token}${query}`), "file_token_invalid");
    await expectProblem(await call(`${token}&uniqueId=${id}&uniqueId=${other}`), "parameter_invalid");
    const named = `${token}&uniqueId=${id}`;
    const json = { "Content-Type": "application/json" };
    await expectProblem(await call(named, { method: "PUT", headers: json, body: "{}" }), "access_token_missing");
    await expectProblem(await call(named, { method: "DELETE" }), "access_token_missing");
    await expectProblem(await call(`${named}&accessToken=${fileToken}`, { method: "DELETE" }), "access_token_missing");
    await expectProblem(
      await call(`&uniqueId=${id}&fileOnly=true`, { headers: { Authorization: `Bearer ${fileToken}` } }),
      "access_token_invalid",
    );
    await expectProblem(await call(named, { method: "POST", headers: json, body: "{}" }), "parameter_invalid");
    await expectProblem(await ask(id, { Authorization: `Bearer ${fileToken}` }), "access_token_invalid");
    // Other parameters are ignored: the file is returned.
    const answer = await call(`${named}&dataOnly=true&jsonata=$&fileOnly=false&limit=1`);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "image/png"]);
  });

  it("[F6] not another endpoint, nor the key of another project", async () => {
    const id = await upload();
    const { fileToken } = await share(id);
    const { rows } = await server.pool.query<{ id: string }>(
      `INSERT INTO "Endpoint" (id, "projectId", name) VALUES (gen_random_uuid(), $1, 'photos/others') RETURNING id`,
      [people.projectId],
    );
    expect(rows).toHaveLength(1);
    const query = `&uniqueId=${id}&fileToken=${fileToken}`;
    await expectProblem(await fetch(`${server.origin}/api/1/ce/photos/others?key=${people.key}${query}`), "file_token_invalid");
    await expectProblem(await fetch(`${server.origin}${people.path}${query}`), "file_token_invalid");
    const another = await server.seed({ endpointName: seed.endpointName });
    await expectProblem(await fetch(`${server.origin}${another.path}${query}`), "file_token_invalid");
  });

  it("[F6] an invalid one is never ignored, whatever else is sent", async () => {
    const id = await upload();
    for (const token of ["", "true", "nonsense"])
      for (const headers of [ann.headers, master])
        await expectProblem(await call(`&uniqueId=${id}&fileOnly=true&fileToken=${token}`, { headers }), "file_token_invalid");
  });
});

it("[F6] [L5] at an authentication endpoint the parameter has no effect", async () => {
  const answer = await fetch(`${server.origin}${people.path}&fileToken=true`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ username: "cleo", password: "a long enough one" }),
  });
  expect(answer.status).toBe(201);
});

it("[F6] [U8] requests with a file token count against the rate limit", async () => {
  const limited = await createDataServer({ rateLimit: 3, database: server.database });
  try {
    const { url } = await share(await upload());
    const target = url.replace(server.origin, limited.origin);
    // Another server of the deployment, with another file storage.
    const head = () => fetch(target, { method: "HEAD" });
    const answers = [await head(), await head(), await head()];
    expect(answers.map(({ status, headers }) => [status, headers.get("ratelimit-remaining")])).toEqual([
      [200, "2"],
      [200, "1"],
      [200, "0"],
    ]);
    await expectProblem(await fetch(target), "rate_limited");
  } finally {
    await limited.close();
  }
});

it("[F6] [U17] the form :fileToken does the same", async () => {
  const id = await upload();
  const address = `/api/1/ce/${seed.endpointName}:fileToken?key=${seed.key}&uniqueId=${id}`;
  const answer = await fetch(`${server.origin}${address}`, { method: "POST", headers: ann.headers });
  expect(answer.status).toBe(201);
  const { url }: Shared = await answer.json();
  expect((await fetch(url)).headers.get("content-type")).toBe("image/png");
  await expectProblem(await fetch(`${server.origin}${address}`, { headers: ann.headers }), "method_not_allowed");
});
