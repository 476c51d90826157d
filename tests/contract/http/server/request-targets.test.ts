/** Tests that every request target and method gets a response with the reason (U12, E5), over raw sockets. */
import { afterEach, describe, expect, it } from "vitest";
import { parseRaw } from "@/tests/support/clients/raw-http";
import { expectRaw, type FrontServerOptions, get, startFrontServer } from "@/tests/support/servers/front-server";

const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function start(options: FrontServerOptions = {}) {
  const server = await startFrontServer(options);
  stops.push(server.stop);
  return server;
}

const READ = "GET, HEAD, OPTIONS";
const ALL = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/** Sends a whole request, and returns everything until the connection was closed. */
async function askAndClose(server: Awaited<ReturnType<typeof start>>, method: string, target: string, lines: readonly string[] = []) {
  const connection = await server.connect(get(target, ["Host: test", "Connection: close", ...lines]).replace("GET", method));
  return parseRaw(await connection.closed());
}

describe("slashes", () => {
  it.each([
    ["//api/1/ce/some/endpoint?key=k", "data 0 /api/1/ce/some/endpoint?key=k test"],
    ["///api/manage/projects", "page 0 /api/manage/projects test"],
    ["/api/1/ce/some/endpoint/?key=k/", "data 0 /api/1/ce/some/endpoint?key=k/ test"],
    ["/api/1/ce/some/endpoint//", "data 0 /api/1/ce/some/endpoint test"],
    ["/api/manage/projects/?limit=1", "page 0 /api/manage/projects?limit=1 test"],
    ["http://test//api/1/ce/some/endpoint/?key=k", "data 0 /api/1/ce/some/endpoint?key=k test"],
    ["//evil.test/login", "page 0 /evil.test/login test"],
    ["/login?next=//x/", "page 0 /login?next=//x/ test"],
    ["/", "page 0 / test"],
    ["//", "page 0 / test"],
    ["/api/health/", "health"],
  ])("[U12] superfluous leading ones, and trailing ones of API addresses, are dropped: %s", async (target, body) => {
    const { ask } = await start();
    expect((await ask(get(target))).body).toBe(body);
  });

  it("[U12] a WebSocket can be opened there too", async () => {
    const { connect } = await start();
    const connection = await connect(get("//api/1/ce/x/?key=k", ["Host: test", "Connection: Upgrade", "Upgrade: websocket"]));
    expect(await connection.closed()).toMatch(/^WebSocket \/api\/1\/ce\/x\?key=k /);
  });
});

describe("the health check", () => {
  it.each(["/api/health", "/api/health?", "/api/health?x=1&y"])(
    "[E5] answers GET and HEAD at %s; other methods are 405",
    async (target) => {
      const server = await start();
      expect((await server.ask(get(target))).body).toBe("health");
      expect(await askAndClose(server, "HEAD", target)).toMatchObject({ status: 200, body: "" });
      for (const method of ["POST", "PUT", "DELETE", "TRACE", "PROPFIND"]) {
        const answer = await askAndClose(server, method, target);
        await expectRaw(answer, "method_not_allowed");
        expect(answer.headers.get("allow")).toBe(READ);
      }
    },
  );

  it("[E5] is at no other address", async () => {
    const { ask } = await start();
    for (const target of ["/api/healthz", "/api/health/x", "/api/health;x"]) await expectRaw(await ask(get(target)), "not_found");
  });
});

describe("methods", () => {
  it.each([
    ["*", ALL],
    ["/login", READ],
    ["/", READ],
    ["/api/health?x", READ],
  ])("[U12] OPTIONS %s: 204 with Allow", async (target, allow) => {
    const answer = await askAndClose(await start(), "OPTIONS", target);
    expect([answer.status, answer.headers.get("allow"), answer.body]).toEqual([204, allow, ""]);
  });

  it("[U12] pages accept only GET and HEAD", async () => {
    const server = await start();
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "TRACE", "QUERY", "LINK"])
      for (const target of ["/login", "/_next/static/x.js"]) {
        const answer = await askAndClose(server, method, target, ["Next-Action: abc"]);
        await expectRaw(answer, "method_not_allowed");
        expect(answer.headers.get("allow")).toBe(READ);
      }
  });

  it.each(["/api/manage/projects", "/api/auth/session"])("[U12] %s refuses unknown methods with the methods of the API", async (target) => {
    const server = await start();
    for (const method of ["PROPFIND", "LINK", "M-SEARCH", "TRACE"]) {
      const answer = await askAndClose(server, method, target);
      await expectRaw(answer, "method_not_allowed");
      expect(answer.headers.get("allow")).toBe(ALL);
    }
    expect((await askAndClose(server, "OPTIONS", target)).body).toContain("page 0");
  });

  it.each(["FOO", "get", "X-1", "BREW"])("[U12] a method that Node's parser does not know is 405: %s", async (method) => {
    const server = await start();
    for (const target of ["/login", "/api/1/ce/x?key=k", "*", "/api/health"]) {
      const answer = await askAndClose(server, method, target);
      await expectRaw(answer, "method_not_allowed");
      expect(answer.headers.get("allow")).toBe(ALL);
    }
  });

  it("[U12] CONNECT is 405", async () => {
    const { connect } = await start();
    const connection = await connect("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\nmore");
    const answer = parseRaw(await connection.closed());
    await expectRaw(answer, "method_not_allowed");
    expect(answer.headers.get("allow")).toBe(ALL);
  });
});

describe("a request that is not HTTP/1", () => {
  it.each([
    ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", /HTTP\/2 is not supported/],
    ["a TLS handshake", "\u0016\u0003\u0001\u0002\u0000\u0001\u0000", /not valid HTTP/],
    ["another version", "GET / HTTP/3.0\r\nHost: x\r\n\r\n", /not valid HTTP/],
    [
      "two lengths of a body",
      "POST /api/manage/x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
      /not valid HTTP/,
    ],
    ["a target without a slash", "GET x HTTP/1.1\r\nHost: x\r\n\r\n", /not valid HTTP/],
  ])("[E1] %s: 400 with a problem document", async (_, text, detail) => {
    const { connect } = await start();
    const connection = await connect(text);
    expect(await expectRaw(parseRaw(await connection.closed()), "request_invalid")).toMatch(detail);
  });

  it("[E1] a body with broken framing does not prevent an earlier response", async () => {
    const { connect } = await start();
    const connection = await connect("POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    await expectRaw(parseRaw(await connection.closed()), "body_too_large");
  });

  it.each(["gzip, chunked", "deflate, gzip , Chunked", "identity, chunked"])(
    "[U12] a transfer coding other than chunked is 501 everywhere: %s",
    async (coding) => {
      const { connect } = await start();
      for (const target of ["/api/1/ce/x?key=k", "/api/manage/projects", "/api/health", "/login"])
        for (const method of ["GET", "POST"]) {
          const lines = `Host: x\r\nTransfer-Encoding: ${coding}\r\nConnection: close`;
          const connection = await connect(`${method} ${target} HTTP/1.1\r\n${lines}\r\n\r\n0\r\n\r\n`);
          const detail = await expectRaw(parseRaw(await connection.closed()), "transfer_encoding_unsupported");
          expect(detail).toMatch(/Transfer-Encoding/);
        }
    },
  );

  it.each(["gzip", "chunked, gzip", "chunked, chunked"])(
    "[U12] a body whose end is not known by chunks is 400, and its connection closes: %s",
    async (coding) => {
      const { connect } = await start();
      for (const target of ["/api/1/ce/x?key=k", "/api/manage/projects", "/api/health", "/login"])
        for (const method of ["GET", "POST"]) {
          const connection = await connect(`${method} ${target} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: ${coding}\r\n\r\n0\r\n\r\n`);
          await expectRaw(parseRaw(await connection.closed()), "request_invalid");
        }
    },
  );

  it.each(["chunked", "Chunked", ", chunked"])("[U12] a chunked body is read: %s", async (coding) => {
    const { connect } = await start();
    const lines = `Host: x\r\nTransfer-Encoding: ${coding}\r\nConnection: close`;
    const connection = await connect(`POST /api/1/ce/x HTTP/1.1\r\n${lines}\r\n\r\n3\r\nabc\r\n0\r\n\r\n`);
    expect(parseRaw(await connection.closed()).body).toContain("data 3 /api/1/ce/x x");
  });

  it("[U12] an unknown expectation is ignored", async () => {
    const { ask } = await start();
    expect((await ask(get("/login", ["Host: test", "Expect: 200-maybe"]))).body).toBe("page 0 /login test");
  });

  it("[U12] Next's image optimizer, which no page uses, is disabled", async () => {
    const { ask } = await start();
    await expectRaw(await ask(get("/_next/image?url=http://x")), "not_found");
  });
});
