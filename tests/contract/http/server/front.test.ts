/** Tests the checks that every connection and request passes before it reaches a plane (U12–U15, R16), over raw sockets. */
import { afterEach, describe, expect, it } from "vitest";
import type { FrontOptions } from "@/src/http/server/front";
import { parseRaw } from "@/tests/support/clients/raw-http";
import { expectRaw, get, type FrontServerOptions as Options, PLACES, startFrontServer } from "@/tests/support/servers/front-server";
import { until } from "@/tests/support/until";

const UNKNOWN = "/api/nope";
const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function start(options: Options = {}) {
  const server = await startFrontServer(options);
  stops.push(server.stop);
  return server;
}

describe("Host", () => {
  it.each(PLACES)("[U12] two Host headers, none, or an invalid one: 400 at %s", async (place) => {
    const { ask } = await start();
    expect(await expectRaw(await ask(get(place, ["Host: a.test", "X: 1", "host: b.test"])), "request_invalid")).toMatch(
      /more than one Host/,
    );
    expect(await expectRaw(await ask(get(place, ["Host: a.test", "Host: a.test"])), "request_invalid")).toMatch(/more than one Host/);
    expect(await expectRaw(await ask(get(place, [])), "request_invalid")).toMatch(/Host header is missing/);
    await expectRaw(await ask(get(place, ["Host: a b/<script>"])), "request_invalid");
    expect((await ask(get(place))).status).toBe(place === UNKNOWN ? 404 : 200);
    expect((await ask(`GET ${place} HTTP/1.0\r\n\r\n`)).status).toBe(place === UNKNOWN ? 404 : 200);
  });

  it.each(PLACES)("[U12] two Content-Type headers that differ: 400 at %s", async (place) => {
    const { ask } = await start();
    const types = ["Host: a.test", "Content-Type: application/json", "content-type: text/plain"];
    expect(await expectRaw(await ask(get(place, types)), "request_invalid")).toMatch(/Content-Type headers differ/);
  });

  it("[U12] a target in absolute form contains the host", async () => {
    const { ask } = await start({ publicUrl: "https://rested.test" });
    expect((await ask(get("http://rested.test/login?x=1", ["Host: evil.test"]))).body).toBe("page 0 /login?x=1 rested.test");
    await expectRaw(await ask(get("http://evil.test/login", ["Host: rested.test"])), "host_not_allowed");
  });

  it.each(["*", "http://evil.test:99999/", "ftp://evil.test/"])("[U12] a target that is not a path: 400 for %s", async (target) => {
    const { ask } = await start();
    for (const method of ["GET", "POST", "PROPFIND", ...(target === "*" ? [] : ["OPTIONS"])]) {
      expect(await expectRaw(await ask(get(target).replace("GET", method)), "request_invalid")).toMatch(/target/);
    }
  });

  it.each(PLACES.slice(1))("[U12] TRACE is not supported at %s", async (place) => {
    const { ask } = await start();
    const answer = await ask(get(place).replace("GET", "TRACE"));
    await expectRaw(answer, "method_not_allowed");
    expect(answer.headers.get("allow")).toContain("HEAD");
  });

  it("[U13] with a public address, the dashboard and the management API respond only to that host", async () => {
    const { ask } = await start({ publicUrl: "https://rested.test" });
    for (const place of ["/login", "/", "/api/manage/projects", "/api/auth/session", "/_next/x.js"]) {
      expect(await expectRaw(await ask(get(place, ["Host: evil.test"])), "host_not_allowed")).toContain("https://rested.test");
      await expectRaw(await ask(get(place, ["Host: rested.test:8080"])), "host_not_allowed");
      // The header is ignored because the sender is not a proxy.
      await expectRaw(await ask(get(place, ["Host: evil.test", "X-Forwarded-Host: rested.test"])), "host_not_allowed");
      // Some proxies and programs include the default port of https.
      for (const host of ["Rested.TEST", "rested.test:443"]) expect((await ask(get(place, [`Host: ${host}`]))).status).toBe(200);
      // No page of another site has such an origin, but health checks and proxies with default settings do.
      for (const host of ["localhost:3000", "127.0.0.1", "10.1.2.3:80", "[::1]:3000"])
        expect((await ask(get(place, [`Host: ${host}`]))).status).toBe(200);
    }
  });

  it("[U13] endpoints and health respond to any host, and so does the management API to a token", async () => {
    const { ask } = await start({ publicUrl: "https://rested.test" });
    expect((await ask(get("/api/1/ce/some/endpoint?key=k", ["Host: evil.test"]))).body).toMatch(/^data/);
    expect((await ask(get("/api/health", ["Host: evil.test"]))).body).toBe("health");
    const token = ["Host: rested:3000", "Authorization: Bearer abc"];
    expect((await ask(get("/api/manage/projects", token))).status).toBe(200);
    await expectRaw(await ask(get("/login", token)), "host_not_allowed");
    await expectRaw(await ask(get("/api/manage/projects", ["Host: rested:3000", "Authorization: Basic abc"])), "host_not_allowed");
  });

  it("[U13] behind a trusted proxy the forwarded host counts; without a public address any host does", async () => {
    const proxied = await start({ publicUrl: "https://rested.test", trustProxy: ["loopback"] });
    expect((await proxied.ask(get("/login", ["Host: inner", "X-Forwarded-Host: rested.test"]))).status).toBe(200);
    await expectRaw(await proxied.ask(get("/login", ["Host: rested.test", "X-Forwarded-Host: evil.test"])), "host_not_allowed");
    const open = await start();
    expect((await open.ask(get("/login", ["Host: whatever.test"]))).status).toBe(200);
  });

  it("[U15] Strict-Transport-Security is sent with every response if the public address is https or TLS is our own, except for local names", async () => {
    const header = async (options: Options, host: string, place = "/login") =>
      (await (await start(options)).ask(get(place, [`Host: ${host}`]))).headers.get("strict-transport-security");
    for (const options of [{ publicUrl: "https://rested.test" }, { isTls: true }]) {
      for (const place of ["/login", "/api/1/ce/some/endpoint", "/api/health", "/%ff"])
        expect(await header(options, "rested.test", place)).toBe("max-age=15552000");
      for (const host of ["localhost:3000", "127.0.0.1:3000"]) expect(await header(options, host)).toBeNull();
    }
    for (const options of [{}, { publicUrl: "http://rested.test" }]) expect(await header(options, "rested.test")).toBeNull();
  });
});

describe("paths", () => {
  it.each([
    "/%ED%A0%80",
    "/%",
    "/%zz/x",
    "/api/manage/projects/%ED%A0%80",
    "/api/manage/endpoints/%ff/records",
    "/api/1/ce/some/%ff?key=k",
  ])("[U12] percent signs that encode nothing: 400 at %s", async (path) => {
    const { ask } = await start();
    expect(await expectRaw(await ask(get(path)), "request_invalid")).toMatch(/percent/);
    expect((await ask(get("/login?x=%ff&y=%"))).status).toBe(200);
    expect((await ask(get("/p/a%20b%C3%A9"))).status).toBe(200);
  });
});

describe("an address below /api that does not exist", () => {
  it.each([UNKNOWN, "/api", "/api/", "/api?x=1", "/api/authx"])("[E1] is refused before it reaches the dashboard: %s", async (target) => {
    const { ask, countRead } = await start();
    for (const method of ["GET", "OPTIONS", "DELETE"]) await expectRaw(await ask(get(target).replace("GET", method)), "not_found");
    const answer = await ask(`${get(target, ["Host: test", "Content-Length: 1"]).replace("GET", "POST")}x`);
    await expectRaw(answer, "not_found");
    expect(answer.headers.get("connection")).toBe("close");
    expect(countRead()).toBe(0);
  });

  it("[U13] does not reveal it to another host", async () => {
    const { ask } = await start({ publicUrl: "https://rested.test" });
    await expectRaw(await ask(get(UNKNOWN, ["Host: evil.test"])), "host_not_allowed");
  });
});

describe("bodies", () => {
  const post = (path: string, lines: readonly string[], body = "") => get(path, ["Host: test", ...lines]).replace(/^GET/, "POST") + body;

  it.each(["/login", "/", "/projects"])("[U12] %s accepts none: 413, unread", async (path) => {
    const { connect } = await start();
    for (const lines of [["Content-Length: 120000000"], ["Transfer-Encoding: chunked"], ["Content-Length: 1", "Expect: 100-continue"]]) {
      const connection = await connect(post(path, lines));
      await until("an answer", () => connection.received().endsWith("}"));
      expect(connection.received()).not.toContain("100 Continue");
      const answer = parseRaw(connection.received());
      await expectRaw(answer, "body_too_large");
      expect(answer.headers.get("connection")).toBe("close");
    }
    const { ask } = await start();
    expect((await ask(get(path, ["Host: test", "Content-Length: 0"]))).body).toMatch(/^page 0/);
  });

  it("[U12] the API's routes read their own", async () => {
    const { ask, connect } = await start();
    for (const path of ["/api/auth/callback/credentials", "/api/manage/signup", "/api/1/ce/some/endpoint"])
      expect((await ask(post(path, ["Content-Length: 3"], "abc"))).body).toMatch(/^(data|page) 3/);
    const waiting = await connect(post("/api/manage/signup", ["Content-Length: 3", "Expect: 100-continue"]));
    await waiting.receive(/^HTTP\/1.1 100 Continue/);
  });

  it.each(["/api/auth/callback/credentials", "/api/manage/signup", "/api/manage/endpoints/id/records"])(
    "[R16] a body that stops on its way to %s: 408 after half a minute",
    async (path) => {
      const { connect, pass } = await start();
      const connection = await connect(post(path, ["Content-Length: 100"], "{"));
      await until("the request has arrived", () => {
        pass(10);
        return connection.received().endsWith("}");
      });
      const answer = parseRaw(connection.received());
      expect(await expectRaw(answer, "body_timeout")).toMatch(/did not arrive in time/);
      await connection.closed();
    },
  );

  it("[R16] an import or a file may take longer, as long as bytes arrive", async () => {
    for (const path of ["/api/manage/endpoints/id/import?check=true", "/api/manage/endpoints/id/files?name=x"]) {
      const { connect, pass, countRead } = await start();
      const connection = await connect(post(path, ["Content-Length: 3000000"]));
      for (let window = 1; window <= 10; window += 1) {
        connection.socket.write(Buffer.alloc(300_000));
        await until("a part was read", () => countRead() === window * 300_000);
        pass(30);
      }
      await until("an answer", () => /page 3000000/.test(connection.received()));
    }
  });
});

describe("connections", () => {
  it("[U14] beyond the total limit: 503 with Retry-After, and the connection ends; one that ends frees a place", async () => {
    const { connect } = await start({ limits: { total: 2 } });
    const [first] = [await connect(), await connect()];
    const refused = await connect();
    const answer = parseRaw(await refused.closed());
    expect(await expectRaw(answer, "server_busy")).toMatch(/limit is 2/);
    expect([answer.headers.get("retry-after"), answer.headers.get("connection")]).toEqual(["5", "close"]);
    first?.socket.destroy();
    await until("there is room", async () => {
      const connection = await connect(get("/login"));
      return Promise.race([connection.closed().then(() => false), connection.receive(/page/).then(() => true)]).catch(() => false);
    });
  });

  it("[U14] beyond the limit of an address: 429; those of a trusted proxy are not counted as one address", async () => {
    const { connect } = await start({ limits: { perAddress: 1 } });
    await connect();
    expect(await expectRaw(parseRaw(await (await connect()).closed()), "rate_limited")).toMatch(/limit per address is 1/);
    const proxied = await start({ limits: { perAddress: 1 }, trustProxy: ["127.0.0.1"] });
    const open = [await proxied.connect(), await proxied.connect(), await proxied.connect(get("/login"))];
    await open[2]?.receive(/page/);
  });

  it("[U14] an address may have a limited number of concurrent requests; behind a trusted proxy each client is counted separately", async () => {
    const { connect, ask, slow } = await start({ limits: { requestsPerAddress: 2 }, trustProxy: ["127.0.0.1"] });
    const from = (address: string, path: string, lines: string[] = []) =>
      get(path, ["Host: test", `X-Forwarded-For: ${address}`, ...lines]);
    for (const path of ["/slow", "/api/1/ce/slow/endpoint"]) await connect(from("2001:db8::1", path));
    await until("both are under way", () => slow.length === 2);
    const refused = await ask(from("2001:db8::2", "/api/1/ce/some/endpoint", ["Origin: https://app.test"]));
    expect(await expectRaw(refused, "rate_limited")).toMatch(/limit per address is 2/);
    expect(refused.headers.get("retry-after")).toBe("1");
    // A browser shows it to its author.
    expect(refused.headers.get("access-control-allow-origin")).toBe("https://app.test");
    expect((await ask(from("2001:db8:0:1::1", "/login"))).status).toBe(200);
    // Streams have separate limits.
    const stream = await ask(from("2001:db8::1", "/api/1/ce/some/endpoint", ["Accept: text/event-stream"]));
    expect(stream.body).toMatch(/^data/);
    expect((await ask(from("2001:db8::1", "/api/1/ce/some/endpoint:events"))).body).toMatch(/^data/);
    for (const response of slow) response.end("done");
    await until("there is room", async () => (await ask(from("2001:db8::1", "/login"))).status === 200);
    // Also if the connection ends before a pipelined request was processed.
    const pipelined = await connect(from("2001:db8::1", "/slow").repeat(2));
    await until("both are under way", () => slow.length === 4);
    pipelined.socket.destroy();
    await until("there is room again", async () => (await ask(from("2001:db8::1", "/login"))).status === 200);
  });
});

describe("a sender that exceeds its rate", () => {
  const refuseEarly: FrontOptions["refuseEarly"] = ({ headers }) =>
    headers.authorization === "Bearer over" ? { allowed: false, limit: 1_200, remaining: 0, resetSeconds: 17 } : undefined;

  it.each(["/api/manage/projects", "/api/auth/session"])("[G23] is refused at %s before it reaches the dashboard", async (place) => {
    const { ask } = await start({ refuseEarly });
    const answer = await ask(get(place, ["Host: test", "Authorization: Bearer over"]));
    expect(await expectRaw(answer, "rate_limited")).toMatch(/the limit is 1200 per minute. Try again in 17 seconds/);
    const named = ["retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"].map((name) => answer.headers.get(name));
    expect(named).toEqual(["17", "1200", "0", "17"]);
    expect((await ask(get(place, ["Host: test", "Authorization: Bearer other"]))).status).toBe(200);
  });

  it.each(["/api/1/ce/some/endpoint?key=k", "/login", "/api/health"])(
    "[G23] is answered at %s, which has limits of its own",
    async (place) => {
      const { ask } = await start({ refuseEarly });
      expect((await ask(get(place, ["Host: test", "Authorization: Bearer over"]))).status).toBe(200);
    },
  );

  it("[G23] gets its response, and its body is not read for the dashboard", async () => {
    const { ask, countRead } = await start({ refuseEarly });
    const head = "POST /api/manage/projects HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer over\r\nContent-Length: 10\r\n\r\n";
    await expectRaw(await ask(`${head}0123456789`), "rate_limited");
    expect(countRead()).toBe(0);
  });
});

describe("connections that are to end", () => {
  it("[E7] end with their next response, and further pipelined requests are not processed", async () => {
    const { connect, ask, endConnections, slow, headers } = await start();
    const post = (target: string) => `POST ${target} HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\n\r\nx`;
    const open = await connect(get("/slow"));
    await until("its request", () => slow.length === 1);
    endConnections();
    expect((await ask(get("/login"))).headers.get("connection")).toBe("close");
    const before = headers.length;
    open.socket.write(post("/api/manage/first") + post("/api/manage/second") + post("/api/manage/third"));
    await until("the first of them", () => headers.length > before);
    slow[0]?.end("slow");
    const received = await open.closed();
    expect(received).toMatch(/slow.*page 1 \/api\/manage\/first test$/s);
    expect(headers.length).toBe(before + 1);
  });
});
