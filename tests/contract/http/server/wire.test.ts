/** Tests bodies and requests that no library would send: incomplete, slow, too large, malformed (R2, R11, R12, E1). */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ErrorCode } from "@/src/shared/errors";
import { connectRaw, parseRaw } from "@/tests/support/clients/raw-http";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";
import { until } from "@/tests/support/until";

const BODY_BYTES_MAX = 100_000;
const JSON_TYPE = "Content-Type: application/json";
const SERVER_HEADERS = ["Strict-Transport-Security", "max-age=1"];

let server: DataServer;
/** With very short time limits. */
let hasty: DataServer;
let seed: Seed;

beforeAll(async () => {
  server = await createDataServer({ bodyBytesMax: BODY_BYTES_MAX, headers: SERVER_HEADERS });
  hasty = await createDataServer({ bodyTimeoutMs: 100, headersTimeoutMs: 100, drainMs: 100 });
});
beforeEach(async () => {
  seed = await server.seed();
});
afterEach(async () => {
  // Whatever a connection did, the next request succeeds.
  const response = await fetch(`${server.origin}${seed.path}`, {
    method: "POST",
    headers: { "Content-Type": "text/plain" },
    body: "alive",
  });
  expect(response.status).toBe(201);
});
afterAll(async () => {
  await server.close();
  await hasty.close();
});

const post = (headers: string[], body = "", path = seed.path): string =>
  `POST ${path} HTTP/1.1\r\nHost: test\r\n${headers.map((line) => `${line}\r\n`).join("")}\r\n${body}`;

async function expectRawProblem(text: string, code: ErrorCode): Promise<string> {
  const { status, headers, body } = parseRaw(text);
  return expectProblem({ status, headers, text: async () => body }, code);
}

const WHOLE_PROBLEM = /\r\n\r\n\{.*\}$/s;

describe("bodies on the wire", () => {
  it("[R2] arrive in chunks and pieces", async () => {
    const connection = await connectRaw(server.port, post([JSON_TYPE, "Transfer-Encoding: chunked"], '3\r\n{"a\r\n'));
    for (const piece of ['2\r\n":\r\n', '4\r\n"\xc3', '\xa9"\r\n', "1\r\n}\r\n0\r\n\r\n"]) connection.socket.write(piece, "latin1");
    expect(parseRaw(await connection.receive(/\}$/)).body).toContain('"data":{"a":"é"}');
    connection.socket.destroy();
  });

  it("[R2] several requests on one connection are answered in order", async () => {
    const one = post([JSON_TYPE, "Content-Length: 1"], "1");
    const connection = await connectRaw(
      server.port,
      one + one.replace(/1$/, "2") + post([JSON_TYPE, "Content-Length: 1"], "{") + one.replace(/1$/, "3"),
    );
    const received = await connection.receive(/"data":3/);
    expect(received.match(/"data":\d|body_invalid"|HTTP\/1\.1 \d+/g)?.filter((part) => !part.startsWith('body_invalid"'))).toEqual([
      "HTTP/1.1 201",
      '"data":1',
      "HTTP/1.1 201",
      '"data":2',
      "HTTP/1.1 400",
      "HTTP/1.1 201",
      '"data":3',
    ]);
    connection.socket.destroy();
  });

  it.each([
    ["a counted body", ["Content-Length: 100"], '{"a":1}'],
    ["a counted body that would be valid as it is", ["Content-Length: 8"], '{"a":1}'],
    ["a chunked body", ["Transfer-Encoding: chunked"], '7\r\n{"a":1}\r\n'],
  ])("[R11] %s that is incomplete stores nothing", async (_what, headers, body) => {
    const reset = await connectRaw(server.port, post([JSON_TYPE, ...headers], body));
    reset.socket.resetAndDestroy();
    const ended = await connectRaw(server.port, post([JSON_TYPE, ...headers], body));
    ended.socket.end();
    await expectRawProblem(await ended.closed(), "request_invalid");
    const after = await fetch(`${server.origin}${seed.path}`);
    expect(await after.text()).toBe("[]");
    expect(await server.count(seed)).toEqual({ records: 0, changes: 0 });
  });

  it("[R11] a slow body is 408, stores nothing, and its connection is closed", async () => {
    const slow = await hasty.seed();
    for (const headers of [["Content-Length: 10"], ["Transfer-Encoding: chunked"]]) {
      const connection = await connectRaw(hasty.port, post([JSON_TYPE, ...headers], "", slow.path));
      const received = await connection.receive(WHOLE_PROBLEM);
      await expectRawProblem(received, "body_timeout");
      expect(parseRaw(received).headers.get("connection")).toBe("close");
      connection.socket.end();
      await connection.closed();
    }
    expect(await hasty.count(slow)).toEqual({ records: 0, changes: 0 });
  });

  it("[R2] a body with a too large Content-Length is refused unread", async () => {
    const connection = await connectRaw(server.port, post([JSON_TYPE, `Content-Length: ${BODY_BYTES_MAX + 1}`]));
    const received = await connection.receive(WHOLE_PROBLEM);
    expect(await expectRawProblem(received, "body_too_large")).toMatch(/100000 bytes/);
    expect(parseRaw(received).headers.get("connection")).toBe("close");
    connection.socket.destroy();
    expect(await server.count(seed)).toEqual({ records: 0, changes: 0 });
  });

  it("[R2] a chunked body that becomes too large is refused; its sender can read the reason, and the connection ends", async () => {
    const connection = await connectRaw(server.port, post([JSON_TYPE, "Transfer-Encoding: chunked"]));
    const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
    for (let sent = 0; sent < 100; sent += 1) connection.socket.write(chunk);
    connection.socket.write("0\r\n\r\n");
    await expectRawProblem(await connection.closed(), "body_too_large");
    expect(await server.count(seed)).toEqual({ records: 0, changes: 0 });
  });

  it("[R2] the sender of a large refused body can read the reason", async () => {
    for (const [path, code] of [
      ["/api/1/ce/some/endpoint?key=unknown", "endpoint_or_key_invalid"],
      [seed.path, "body_too_large"],
    ] as const) {
      const response = await fetch(`${server.origin}${path}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: Buffer.alloc(5_000_000, "x"),
      });
      await expectProblem(response, code);
    }
  });

  it("[R2] a refused body that never ends is cut off after its sender could read the reason", async () => {
    const connection = await connectRaw(
      hasty.port,
      post([JSON_TYPE, "Transfer-Encoding: chunked"], "1\r\n{\r\n", "/api/1/ce/some/endpoint?key=unknown"),
    );
    await expectRawProblem(await connection.closed(), "endpoint_or_key_invalid");
  });

  it("[R2] Expect: 100-continue gets 100 only if the request is valid", async () => {
    const good = await connectRaw(server.port, post([JSON_TYPE, "Content-Length: 7", "Expect: 100-continue"]));
    await good.receive(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    good.socket.write('{"a":1}');
    expect(await good.receive(/\}$/)).toMatch(/HTTP\/1\.1 201 .*"data":\{"a":1\}/s);
    good.socket.destroy();

    const bad = [
      post([JSON_TYPE, "Content-Length: 7", "Expect: 100-continue"], "", "/api/1/ce/some/endpoint?key=unknown"),
      post(["Content-Type: application/xml", "Content-Length: 7", "Expect: 100-continue"]),
      post([JSON_TYPE, `Content-Length: ${BODY_BYTES_MAX + 1}`, "Expect: 100-continue"]),
    ];
    for (const text of bad) {
      const connection = await connectRaw(server.port, text);
      const received = await connection.receive(WHOLE_PROBLEM);
      expect(received).not.toContain("100 Continue");
      expect(parseRaw(received).headers.get("connection")).toBe("close");
      connection.socket.destroy();
    }
  });
});

describe("requests on the wire", () => {
  it.each<[string, () => string, ErrorCode]>([
    ["headers too large", () => `GET ${seed.path} HTTP/1.1\r\nHost: test\r\nX-Large: ${"x".repeat(200_000)}\r\n\r\n`, "headers_too_large"],
    ["an address too large", () => `GET ${seed.path}&x=${"x".repeat(200_000)} HTTP/1.1\r\nHost: test\r\n\r\n`, "headers_too_large"],
    ["no HTTP", () => "HELO example.com\r\n\r\n", "request_invalid"],
    ["TLS on the plain port", () => "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "request_invalid"],
    ["a control character in a header", () => `GET ${seed.path} HTTP/1.1\r\nHost: test\r\nX: a\x01b\r\n\r\n`, "request_invalid"],
    ["a broken Content-Length", () => post([JSON_TYPE, "Content-Length: 1x"], "1"), "request_invalid"],
    ["a negative Content-Length", () => post([JSON_TYPE, "Content-Length: -1"], "1"), "request_invalid"],
    ["two Content-Lengths", () => post([JSON_TYPE, "Content-Length: 1", "Content-Length: 2"], "1"), "request_invalid"],
    [
      "Content-Length beside Transfer-Encoding",
      () => post([JSON_TYPE, "Content-Length: 1", "Transfer-Encoding: chunked"], "1\r\n1\r\n0\r\n\r\n"),
      "request_invalid",
    ],
    ["broken chunks", () => post([JSON_TYPE, "Transfer-Encoding: chunked"], "zz\r\n1\r\n"), "request_invalid"],
  ])("[E1] %s: a problem document, and the connection ends", async (_what, toText, code) => {
    const connection = await connectRaw(server.port, toText());
    const received = await connection.closed();
    await expectRawProblem(received, code);
    expect(parseRaw(received).headers.get("connection")).toBe("close");
    expect(await server.count(seed)).toEqual({ records: 0, changes: 0 });
  });

  it("[E1] headers that do not arrive in time: 408", async () => {
    const connection = await connectRaw(hasty.port, "GET / HTTP/1.1\r\nHost: te");
    expect(await expectRawProblem(await connection.closed(), "body_timeout")).toMatch(/request did not arrive/);
  });

  it("[E1] a response that has begun is not followed by another one", async () => {
    const connection = await connectRaw(server.port, `${post([JSON_TYPE, "Content-Length: 1"], "1")}garbage\r\n\r\n`);
    const received = await connection.closed();
    expect(received.match(/HTTP\/1\.1 \d+/g)?.length).toBeLessThanOrEqual(2);
    expect(received).not.toMatch(/HTTP\/1\.1 \d+[^{]*HTTP\/1\.1/);
  });

  it("[R12] other methods: 405 with Allow, without effect", async () => {
    for (const method of ["PATCH", "PURGE", "PROPFIND"]) {
      const response = await fetch(`${server.origin}${seed.path}`, { method, headers: { "Content-Type": "application/json" }, body: "{}" });
      expect(response.headers.get("allow")).toBe("GET, HEAD, POST, PUT, DELETE, OPTIONS");
      await expectProblem(response, "method_not_allowed");
    }
    expect(await server.count(seed)).toEqual({ records: 0, changes: 0 });
  });

  it("[U15] the headers of the server are in every response", async () => {
    const body = { headers: { "Content-Type": "application/json" }, body: "1" };
    const created = await fetch(`${server.origin}${seed.path}`, { method: "POST", ...body });
    const { uniqueId } = (await created.clone().json()) as { uniqueId: string };
    const one = `${seed.path}&uniqueId=${uniqueId}`;
    // Another record, because the first must not change before its 304.
    const changed = await fetch(`${server.origin}${seed.path}`, { method: "POST", ...body });
    const other = `${seed.path}&uniqueId=${((await changed.json()) as { uniqueId: string }).uniqueId}`;
    const others = await Promise.all([
      fetch(`${server.origin}${seed.path}`),
      fetch(`${server.origin}${one}`),
      fetch(`${server.origin}${one}`, { headers: { "If-None-Match": created.headers.get("etag") ?? "" } }),
      fetch(`${server.origin}${other}`, { method: "PUT", ...body }),
      fetch(`${server.origin}${seed.path}&bulk=true`, { method: "POST", ...body, body: "[1]" }),
      fetch(`${server.origin}${seed.path}&jsonata=%24`),
      fetch(`${server.origin}${seed.path}`, { method: "OPTIONS", headers: { Origin: "https://a.test" } }),
      fetch(`${server.origin}${seed.path}`, { method: "PATCH", ...body }),
      fetch(`${server.origin}/api/1/ce/no/such`),
    ]);
    expect(others.map(({ status }) => status)).toEqual([200, 200, 304, 200, 201, 200, 204, 405, 403]);
    for (const { headers } of [created, ...others]) expect(headers.get("strict-transport-security")).toBe("max-age=1");
  });

  it("all aborted connections are closed", async () => {
    const connection = await connectRaw(server.port, post([JSON_TYPE, "Content-Length: 100"], "{"));
    connection.socket.destroy();
    await until("the connection to be gone", () => connection.socket.closed);
  });
});
