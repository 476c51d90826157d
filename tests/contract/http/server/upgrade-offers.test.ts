/** Tests requests that offer to switch to another protocol (U16), over raw sockets and with Java's HttpClient. */
import { execFile, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { parseRaw } from "@/tests/support/clients/raw-http";
import { expectRaw, type FrontServerOptions, get, PLACES, startFrontServer } from "@/tests/support/servers/front-server";
import { until } from "@/tests/support/until";

const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function start(options: FrontServerOptions = {}) {
  const server = await startFrontServer(options);
  stops.push(server.stop);
  return server;
}

/** As Java's HttpClient sends it. */
const H2C = [
  "Host: test",
  "Connection: Upgrade, HTTP2-Settings",
  "Upgrade: h2c",
  "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
];
const WEB_SOCKET = ["Host: test", "Connection: Upgrade", "Upgrade: websocket"];
const post = (target: string, lines: readonly string[], body: string) => get(target, lines).replace("GET", "POST") + body;

/** The bodies of the responses on one connection, in order, once there are `count` of them. */
async function takeBodies(connection: { received(): string }, count: number): Promise<string[]> {
  const find = () => [...connection.received().matchAll(/\b(?:page|data) \d+ \S+|health/g)].map(([body]) => body);
  await until(`${count} answers`, () => find().length >= count);
  return find();
}

describe("an offer of another protocol", () => {
  it.each(PLACES)("[U16] is ignored at %s: the response is the same as without it", async (place) => {
    const { ask } = await start();
    for (const [name, body] of [
      ["GET", ""],
      ["POST", "abc"],
    ] as const) {
      const framing = body === "" ? [] : [`Content-Length: ${body.length}`];
      const plain = await ask(get(place, ["Host: test", ...framing]).replace("GET", name) + body);
      const offered = await ask(get(place, [...H2C, ...framing]).replace("GET", name) + body);
      const withoutId = ({ body }: { body: string }) => body.replace(/req-\w+/, "");
      expect([offered.status, withoutId(offered)]).toEqual([plain.status, withoutId(plain)]);
    }
  });

  it.each([
    ["h2c", H2C],
    ["TLS/1.0", ["Host: test", "Connection: Upgrade", "Upgrade: TLS/1.0"]],
    ["two of them", ["Host: test", "Connection: keep-alive, upgrade", "Upgrade: h2c, IRC/6.9", "Upgrade: x"]],
    ["one that has websocket in its name", ["Host: test", "connection: UPGRADE", "upgrade: websockets"]],
  ])("[U16] %s: the request keeps everything else, and loses the offer", async (_, lines) => {
    const { ask, headers } = await start();
    const answer = await ask(get("/login?x=%20", [...lines, "Accept: a, b", "X-Twice: 1", "x-twice: 2", "X-Latin: ä"]));
    expect(answer.body).toBe("page 0 /login?x=%20 test");
    expect(answer.headers.get("connection")).toBe("keep-alive");
    expect(headers[0]).toMatchObject({ host: "test", accept: "a, b", "x-twice": "1, 2" });
    expect(headers[0]).not.toHaveProperty("upgrade");
    expect(headers[0]).not.toHaveProperty("http2-settings");
    expect(headers[0]?.connection ?? "keep-alive").toBe("keep-alive");
  });

  it("[U16] the checks of other requests apply: two Host headers, no Host, no path", async () => {
    const { ask } = await start();
    await expectRaw(await ask(get("/login", [...H2C, "Host: other"])), "request_invalid");
    await expectRaw(await ask(get("/login", H2C.slice(1))), "request_invalid");
    await expectRaw(await ask(get("ftp://test/", H2C)), "request_invalid");
    await expectRaw(await ask(post("/login", [...H2C, "Content-Length: 1"], "x")), "body_too_large");
  });

  it("[U16] bodies arrive completely, whatever their framing and packets", async () => {
    const { connect } = await start();
    const requests = [
      [post("/api/manage/a", [...H2C, "Content-Length: 5"], "12345"), "page 5 /api/manage/a"],
      [
        post("/api/manage/b", [...H2C, "Transfer-Encoding: chunked"], "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nX-Trailer: 1\r\n\r\n"),
        "page 7 /api/manage/b",
      ],
      [post("/api/manage/c", [...H2C, "Content-Length: 0"], ""), "page 0 /api/manage/c"],
      [get("/api/manage/d", H2C), "page 0 /api/manage/d"],
    ] as const;
    for (const size of [1, 7, 64, 1000]) {
      const connection = await connect();
      connection.socket.setNoDelay(true);
      for (const [index, [text, body]] of requests.entries()) {
        for (let at = 0; at < text.length; at += size) {
          connection.socket.write(text.slice(at, at + size));
          await new Promise(setImmediate);
        }
        expect((await takeBodies(connection, index + 1))[index]).toBe(body);
      }
    }
  });

  it("[U16] a large body is not delayed", async () => {
    const { connect, countRead } = await start();
    const connection = await connect(post("/api/manage/a", [...H2C, "Content-Length: 3000000"], ""));
    connection.socket.write(Buffer.alloc(3_000_000));
    expect(await takeBodies(connection, 1)).toEqual(["page 3000000 /api/manage/a"]);
    expect(countRead()).toBe(3_000_000);
  });

  it("[U16] “Expect: 100-continue” is answered first", async () => {
    const { connect } = await start();
    const connection = await connect(post("/api/1/ce/some/endpoint?key=k", [...H2C, "Content-Length: 3", "Expect: 100-continue"], ""));
    await connection.receive(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    connection.socket.write("abc");
    expect(await takeBodies(connection, 1)).toEqual(["data 3 /api/1/ce/some/endpoint?key=k"]);
  });

  it("[U16] further pipelined requests are answered in order", async () => {
    const { connect } = await start();
    const connection = await connect(get("/a", H2C) + get("/b"));
    expect(await takeBodies(connection, 2)).toEqual(["page 0 /a", "page 0 /b"]);
  });

  it("[U16] behind an unanswered request it waits, and the connection closes, so that its client repeats the others", async () => {
    const { connect, slow } = await start();
    const connection = await connect(get("/slow") + get("/b") + get("/c", H2C) + get("/d"));
    await until("the first request", () => slow.length === 1);
    slow[0]?.end("page 0 /slow test");
    const received = await connection.closed();
    expect(await takeBodies(connection, 3)).toEqual(["page 0 /slow", "page 0 /b", "page 0 /c"]);
    expect(received.match(/connection: [a-z-]+/gi)).toEqual(["Connection: keep-alive", "Connection: keep-alive", "Connection: close"]);
  });

  it("[U16] a connection can carry a thousand of them, and is counted once", async () => {
    const warnings: string[] = [];
    const note = (warning: Error) => void warnings.push(warning.message);
    process.on("warning", note);
    const { connect } = await start({ limits: { perAddress: 2, requestsPerAddress: 1 } });
    const connection = await connect();
    for (let count = 1; count <= 1000; count += 1) {
      connection.socket.write(get(`/a${count}`, H2C));
      while (!connection.received().endsWith(`page 0 /a${count} test`)) await once(connection.socket, "data");
    }
    const second = await connect(get("/b"));
    expect(await takeBodies(second, 1)).toEqual(["page 0 /b"]);
    await expectRaw(parseRaw(await (await connect()).closed()), "rate_limited");
    process.off("warning", note);
    expect(warnings).toEqual([]);
  });

  it("[U12] [U16] more headers than Node's parser keeps by default do not hide the length of the body", async () => {
    const { connect } = await start();
    const many = Array.from({ length: 3_000 }, (_, index) => `a${index}:`);
    for (const offer of [H2C, ["Host: test"]]) {
      const connection = await connect(post("/api/manage/a", [...offer, ...many, "Content-Length: 20"], "GET /b HTTP/1.1\r\n\r\n\r\n"));
      expect(await takeBodies(connection, 1)).toEqual(["page 20 /api/manage/a"]);
    }
  });

  it("[U16] an empty Upgrade header is ignored", async () => {
    const { ask } = await start();
    expect((await ask(get("/a", ["Host: test", "Connection: Upgrade", "Upgrade:"]))).body).toBe("page 0 /a test");
  });

  it("[U16] a client that disconnects, or sends garbage after it, does no harm", async () => {
    const { connect, ask } = await start();
    (await connect(post("/api/manage/a", [...H2C, "Content-Length: 5"], "12"))).socket.resetAndDestroy();
    const nonsense = await connect(`${get("/a", H2C)}\u0000\u0001 nonsense\r\n\r\n`);
    await nonsense.closed();
    expect((await ask(get("/b"))).body).toBe("page 0 /b test");
  });
});

describe("an offer of WebSocket", () => {
  it.each([
    ["alone", "websocket"],
    ["in other letters", "WebSocket"],
    ["before another protocol", "websocket, h2c"],
    ["after another protocol", "h2c,websocket"],
  ])("[U16] %s is accepted", async (_, offer) => {
    const { connect } = await start();
    const connection = await connect(`${get("/api/1/ce/x?key=k", ["Host: test", "Connection: Upgrade", `Upgrade: ${offer}`])}more`);
    expect(await connection.closed()).toBe("WebSocket /api/1/ce/x?key=k websocket more");
  });

  it("[U16] is accepted on a connection that has served other requests, with and without offers", async () => {
    const { connect } = await start();
    const connection = await connect(get("/a", H2C));
    await takeBodies(connection, 1);
    connection.socket.write(get("/b"));
    await takeBodies(connection, 2);
    connection.socket.write(get("/c", WEB_SOCKET));
    expect(await connection.closed()).toMatch(/WebSocket \/c websocket $/);
  });

  it("[U16] is ignored in HTTP/1.0", async () => {
    const { ask } = await start();
    expect((await ask(get("/a", WEB_SOCKET).replace("HTTP/1.1", "HTTP/1.0"))).body).toBe("page 0 /a test");
  });

  it("[U16] is refused behind an unanswered request, in order", async () => {
    const { connect, slow } = await start();
    const connection = await connect(get("/slow") + get("/api/1/ce/x?key=k", WEB_SOCKET));
    await until("the first request", () => slow.length === 1);
    slow[0]?.end("first");
    const [, second = ""] = (await connection.closed()).split("first");
    expect(await expectRaw(parseRaw(second), "upgrade_invalid")).toMatch(/pipelined behind another request/);
  });

  it("[U12] with two Host headers: 400", async () => {
    const { connect } = await start();
    const connection = await connect(get("/api/1/ce/x?key=k", [...WEB_SOCKET, "Host: other"]));
    await expectRaw(parseRaw(await connection.closed()), "request_invalid");
  });
});

describe("Java's HttpClient with its defaults", () => {
  const hasJava = spawnSync("java", ["--version"]).status === 0;
  const source = `
    import java.net.URI;
    import java.net.http.*;
    public class Client {
      public static void main(String[] arguments) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        for (int i = 1; i < arguments.length; i++)
          for (String body : new String[] { "", "hello" }) {
            HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(arguments[0] + arguments[i]));
            if (!body.isEmpty()) request.POST(HttpRequest.BodyPublishers.ofString(body));
            HttpResponse<String> response = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
            System.out.println(response.statusCode() + " " + response.version() + " " + response.body());
          }
      }
    }`;

  it.skipIf(!hasJava)("[U16] gets a response from every plane (skipped without java)", { timeout: 120_000 }, async () => {
    const { port, countRead } = await start();
    const folder = await mkdtemp(path.join(os.tmpdir(), "rested-java-"));
    stops.push(() => rm(folder, { recursive: true }));
    const file = path.join(folder, "Client.java");
    await writeFile(file, source);
    const host = `127.0.0.1:${port}`;
    const { stdout } = await promisify(execFile)("java", [file, `http://${host}`, "/api/1/ce/a?key=k", "/api/manage/projects", "/login"]);
    const lines = stdout.trim().split("\n");
    expect(lines.slice(0, 5)).toEqual([
      `200 HTTP_1_1 data 0 /api/1/ce/a?key=k ${host}`,
      `200 HTTP_1_1 data 5 /api/1/ce/a?key=k ${host}`,
      `200 HTTP_1_1 page 0 /api/manage/projects ${host}`,
      `200 HTTP_1_1 page 5 /api/manage/projects ${host}`,
      `200 HTTP_1_1 page 0 /login ${host}`,
    ]);
    // A page does not accept a body (U12).
    expect(lines[5]).toMatch(/^413 HTTP_1_1 .*body_too_large/);
    expect(countRead()).toBe(10);
  });
});
