/** Tests bodies with a Content-Encoding (R17), and content types in various spellings (R2, R11). */
import { once } from "node:events";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectRaw, parseRaw } from "@/tests/support/clients/raw-http";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";
import { until } from "@/tests/support/until";

const BODY_BYTES_MAX = 64 * 1024;
let server: DataServer;
let seed: Seed;

beforeAll(async () => {
  server = await createDataServer({ bodyBytesMax: BODY_BYTES_MAX });
  seed = await server.seed();
});
afterAll(() => server.close());

interface Sent {
  method?: string;
  type?: string;
  coding?: string;
  query?: string;
  headers?: Record<string, string>;
}

function send(
  body: string | Uint8Array<ArrayBuffer>,
  { method = "POST", type = "application/json", coding, query = "", headers = {} }: Sent = {},
) {
  const encoding = coding === undefined ? {} : { "Content-Encoding": coding };
  return fetch(`${server.origin}${seed.path}${query}`, { method, headers: { "Content-Type": type, ...encoding, ...headers }, body });
}

const zip = (text: string | Buffer) => Uint8Array.from(gzipSync(text));

describe("a compressed body", () => {
  it.each([
    ["gzip", gzipSync],
    ["x-gzip", gzipSync],
    ["deflate", deflateSync],
  ])("[R17] of %s is inflated and stored as it was", async (coding, compress) => {
    const created = await send(Uint8Array.from(compress(' {"a": 1.0, "ä": [] } ')), { coding });
    expect(created.status).toBe(201);
    expect(await created.text()).toContain('"data":{"a": 1.0, "ä": [] },"createdAt"');
  });

  it("[R17] works for text, PUT and bulk, and as the replay of a request", async () => {
    const { uniqueId } = (await (await send(zip("a text"), { type: "text/plain", coding: "gzip" })).json()) as { uniqueId: string };
    const put = await send(zip('{"b":2}'), { method: "PUT", coding: "gzip", query: `&uniqueId=${uniqueId}&dataOnly=true` });
    expect([put.status, await put.text()]).toEqual([200, '{"b":2}']);
    expect((await send(zip("[1,2,3]"), { coding: "gzip", query: "&bulk=true" })).status).toBe(201);
    const headers = { "Idempotency-Key": "coded" };
    const first = await (await send(zip("[4]"), { coding: "gzip", headers })).json();
    const repeat = await send("[4]", { headers });
    expect([repeat.headers.get("idempotent-replayed"), await repeat.json()]).toEqual(["true", first]);
  });

  it("[R17] may be as long as any other body after it is inflated, however small it was", async () => {
    const largest = `"${"x".repeat(BODY_BYTES_MAX - 2)}"`;
    expect((await send(zip(largest), { coding: "gzip" })).status).toBe(201);
    await expectProblem(await send(zip(`${largest} `), { coding: "gzip" }), "body_too_large");
    await expectProblem(await send(zip(Buffer.alloc(16 * 1024 * 1024, 0x20)), { coding: "gzip" }), "body_too_large");
  });

  it("[R17] that inflates to nothing indefinitely is limited too", async () => {
    const nothing = Buffer.concat(Array.from({ length: 8000 }, () => gzipSync("")));
    expect(nothing.length).toBeGreaterThan(BODY_BYTES_MAX * 2);
    const head = `POST ${seed.path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const connection = await connectRaw(server.port, head);
    connection.socket.write(`${nothing.length.toString(16)}\r\n`);
    connection.socket.write(nothing);
    const text = await connection.receive(/"code":"body_too_large"/);
    expect(parseRaw(text).status).toBe(413);
    connection.socket.destroy();
  });

  it("[R17] that is invalid, incomplete, or empty is refused with the reason", async () => {
    const before = await server.count(seed);
    expect(await expectProblem(await send('{"a":1}', { coding: "gzip" }), "body_invalid")).toMatch(
      /not valid gzip, which Content-Encoding declares/,
    );
    expect(await expectProblem(await send(zip('{"a":1}').slice(0, -3), { coding: "gzip" }), "body_invalid")).toMatch(/gzip/);
    await expectProblem(await send(zip(""), { coding: "gzip" }), "body_empty");
    await expectProblem(await send(zip(" \n"), { coding: "gzip" }), "body_empty");
    expect(await server.count(seed)).toEqual(before);
  });

  it.each(["br", "zstd", "compress", "gzip, br", "utf-8"])("[R17] of %s is refused with 415 and the supported codings", async (coding) => {
    const answer = await send(Uint8Array.from(brotliCompressSync("{}")), { coding });
    expect(answer.headers.get("accept-encoding")).toBe("gzip, deflate");
    await expectProblem(answer, "content_encoding_unsupported");
  });

  it("[R17] [F1] is refused for forms", async () => {
    const answer = await send("--x--", { type: "multipart/form-data; boundary=x", coding: "gzip" });
    expect(answer.headers.get("accept-encoding")).toBe("identity");
    await expectProblem(answer, "content_encoding_unsupported");
  });

  it("[R17] is read after 100 Continue, and not requested if its coding is unsupported", async () => {
    const body = gzipSync('{"continued":true}');
    const head = (coding: string) =>
      `POST ${seed.path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Encoding: ${coding}\r\nExpect: 100-continue\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
    const taken = await connectRaw(server.port, head("gzip"));
    await taken.receive(/100 Continue/);
    taken.socket.write(body);
    expect(await taken.closed()).toMatch(/HTTP\/1\.1 201 /);
    const refused = await connectRaw(server.port, head("br"));
    expect(await refused.receive(/content_encoding_unsupported/)).not.toMatch(/100 Continue/);
    refused.socket.destroy();
  });

  it("[R15] [R17] counts against the limits only while it is held", async () => {
    const half = gzipSync(`"${"x".repeat(40_000)}"`, { level: 0 });
    const head = `POST ${seed.path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: ${half.length}\r\n\r\n`;
    const connection = await connectRaw(server.port, head);
    connection.socket.write(half.subarray(0, 30_000));
    await until("the body is counted", () => server.held.bodies.held > 64 * 1024);
    connection.socket.destroy();
    await once(connection.socket, "close");
    await until("nothing is held", () => server.held.bodies.held === 0);
  });
});

describe("content types", () => {
  it.each(["application/vnd.api+json", "application/ld+json; charset=utf8", "text/json", 'application/json; charset="US-ASCII"'])(
    "[R2] %s is JSON",
    async (type) => {
      expect(await (await send("[1]", { type, query: "&dataOnly=true" })).json()).toEqual([1]);
    },
  );

  it("[R2] text/plain stays a text, whatever it contains", async () => {
    expect(await (await send("[1]", { type: "text/plain; charset=us-ascii", query: "&dataOnly=true" })).json()).toBe("[1]");
  });

  it("[R2] the default types of curl -d and of forms are refused with the header to add", async () => {
    const detail = await expectProblem(await send('{"a":1}', { type: "application/x-www-form-urlencoded" }), "content_type_unsupported");
    expect(detail).toContain("application/x-www-form-urlencoded");
    expect(detail).toContain("send the header Content-Type: application/json");
  });

  it("[R2] of several headers that a proxy joined, equal ones are one, and different ones are refused", async () => {
    expect((await send("[1]", { type: "application/json, application/json" })).status).toBe(201);
    expect(await expectProblem(await send("[1]", { type: "application/json, text/plain" }), "content_type_unsupported")).toMatch(/differ/);
  });
});
