/** Tests how many statements a request takes, and that requests that arrive together share them. More statements are slower requests. */
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";
import { createStatementProxy, type StatementProxy } from "@/tests/support/servers/statement-proxy";

/** Requests that arrive together. */
const TOGETHER = 20;

let proxy: StatementProxy;
let server: DataServer;
let seed: Seed;
let ids: string[];

beforeAll(async () => {
  proxy = await createStatementProxy(inject("postgres"));
  server = await createDataServer({ via: proxy });
});
beforeEach(async () => {
  seed = await server.seed();
  // Fills the caches of the project, the key and the endpoint, and prepares the statements.
  const response = await send("POST", "&bulk=true", JSON.stringify(Array(TOGETHER).fill({ a: 1 })));
  ids = ((await response.json()) as { uniqueId: string }[]).map(({ uniqueId }) => uniqueId);
  await (await send("GET", `&uniqueId=${ids[0]}`)).text();
  proxy.take();
});
afterAll(async () => {
  await server.close();
  await proxy.close();
});

function send(method: string, query = "", body?: string): Promise<Response> {
  const init = body === undefined ? {} : { body, headers: { "Content-Type": "application/json" } };
  return fetch(`${server.origin}${seed.path}${query}`, { method, ...init });
}

/**
 * Statements that follow a response, and can therefore arrive during the next request: the files of a deleted record are removed, and a new connection is
 * set up because that of the request before is not free yet.
 */
const IN_BACKGROUND = /^(?:\/\* rested_(?:find_garbage|delete_files) \*\/|SET TIME ZONE) /;

/** The statements of one request, whose response has this status. */
async function count(status: number, ...request: Parameters<typeof send>): Promise<string[]> {
  proxy.take();
  const response = await send(...request);
  await response.text();
  expect(response.status).toBe(status);
  return proxy.take().filter((text) => !IN_BACKGROUND.test(text));
}

/** Sends the requests over one connection without waiting for responses, so that the server receives all of them at once. Returns the statements. */
async function countTogether(status: number, requests: readonly { method: string; query: string; body?: string }[]): Promise<string[]> {
  proxy.take();
  const socket = net.connect({ host: "127.0.0.1", port: server.port });
  await once(socket, "connect");
  socket.write(
    requests
      .map(({ method, query, body = "" }) =>
        [
          `${method} ${seed.path}${query} HTTP/1.1`,
          "Host: localhost",
          ...(body === "" ? [] : ["Content-Type: application/json", `Content-Length: ${body.length}`]),
          "",
          body,
        ].join("\r\n"),
      )
      .join(""),
  );
  const statuses = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, found]) => Number(found));
  let received = "";
  for await (const chunk of socket) {
    received += String(chunk);
    if (statuses(received).length === requests.length) break;
  }
  socket.destroy();
  expect(statuses(received)).toEqual(Array(requests.length).fill(status));
  return proxy.take();
}

describe("one request", () => {
  it("[R2] POST takes one statement, and [R8] so does a bulk", async () => {
    expect(await count(201, "POST", "", '{"a":1}')).toHaveLength(1);
    expect(await count(201, "POST", "&bulk=true", JSON.stringify(Array(200).fill({ a: 1 })))).toHaveLength(1);
  });

  it("[R3] GET of one record takes one statement, a list one, and a page at most two", async () => {
    expect(await count(200, "GET", `&uniqueId=${ids[0]}`)).toHaveLength(1);
    expect(await count(200, "GET")).toHaveLength(1);
    expect((await count(200, "GET", "&limit=10")).length).toBeLessThanOrEqual(2);
  });

  it("[R4] PUT and [R5] DELETE take one statement each, and a merge two", async () => {
    expect(await count(200, "PUT", `&uniqueId=${ids[0]}`, '{"a":2}')).toHaveLength(1);
    expect(await count(200, "PUT", `&uniqueId=${ids[0]}&strategy=merge`, '{"a":3}')).toHaveLength(2);
    expect(await count(200, "DELETE", `&uniqueId=${ids[0]}`)).toHaveLength(1);
  });

  it("[S7] rules add no statement to creations and reads, and one to changes", async () => {
    const rules = JSON.stringify({ read: "a exists", create: "a exists", update: "a exists", delete: "a exists", hide: ["b"] });
    await server.pool.query(`UPDATE "Endpoint" SET rules = $2 WHERE id = $1`, [seed.endpointId, rules]);
    server.definitions.invalidate(seed.projectId);
    await (await send("GET", `&uniqueId=${ids[0]}`)).text();
    expect(await count(201, "POST", "", '{"a":1}')).toHaveLength(1);
    expect(await count(200, "GET", `&uniqueId=${ids[0]}`)).toHaveLength(1);
    expect(await count(200, "GET")).toHaveLength(1);
    expect(await count(200, "GET", "&limit=10")).toHaveLength(1);
    expect(await count(200, "PUT", `&uniqueId=${ids[0]}`, '{"a":2}')).toHaveLength(2);
    expect(await count(200, "PUT", `&uniqueId=${ids[0]}&strategy=merge`, '{"a":3}')).toHaveLength(2);
    expect(await count(200, "DELETE", `&uniqueId=${ids[0]}`)).toHaveLength(2);
  });

  it("[S9] a body that arrives after its head adds none, unless something of the project has changed meanwhile", async () => {
    const other = await server.seed();
    const sendLate = async (meanwhile: () => void) => {
      const request = http.request(`${server.origin}${seed.path}`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "Content-Length": 7, Expect: "100-continue" },
      });
      request.flushHeaders();
      await once(request, "continue");
      meanwhile();
      proxy.take();
      request.end('{"a":1}');
      const [response] = (await once(request, "response")) as [http.IncomingMessage];
      response.resume();
      expect(response.statusCode).toBe(201);
      return proxy.take();
    };
    expect(await sendLate(() => undefined)).toHaveLength(1);
    expect(await sendLate(() => server.definitions.invalidate(other.projectId))).toHaveLength(1);
    expect(await sendLate(() => server.definitions.invalidate(seed.projectId))).toHaveLength(2);
  });

  it("[U3] a request that is refused takes none", async () => {
    const { pathname } = new URL(`${server.origin}${seed.path}`);
    proxy.take();
    expect((await fetch(server.origin + pathname)).status).toBe(403);
    expect(proxy.take()).toEqual([]);
  });
});

describe("requests that arrive together", () => {
  it("[R14] creations share statements", async () => {
    const requests = Array(TOGETHER).fill({ method: "POST", query: "", body: '{"a":1}' });
    expect((await countTogether(201, requests)).length).toBeLessThanOrEqual(2);
  });

  it("[R3] reads of single records share statements", async () => {
    const statements = await countTogether(
      200,
      ids.map((id) => ({ method: "GET", query: `&uniqueId=${id}` })),
    );
    expect(statements.length).toBeLessThanOrEqual(2);
  });

  it("[R4] merges of one record share statements", async () => {
    const requests = ids.map((_, n) => ({ method: "PUT", query: `&uniqueId=${ids[0]}&strategy=merge`, body: `{"n${n}":1}` }));
    expect((await countTogether(200, requests)).length).toBeLessThanOrEqual(4);
  });
});
