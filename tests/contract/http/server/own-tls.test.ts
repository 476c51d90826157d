/** Tests a server with its own certificate: plain HTTP on its port, and a renewed certificate (U18). */
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type https from "node:https";
import os from "node:os";
import path from "node:path";
import tls, { type TLSSocket } from "node:tls";
import { generate } from "selfsigned";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { type KeyPair, loadCertificates } from "@/src/runtime/web/certificates";
import { parseRaw } from "@/tests/support/clients/raw-http";
import { expectRaw, type FrontServerOptions, get, startFrontServer } from "@/tests/support/servers/front-server";
import { until } from "@/tests/support/until";

const stops: (() => Promise<void>)[] = [];
let pair: KeyPair;

beforeAll(async () => {
  pair = await createPair("rested.test");
});

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function createPair(name: string, notAfterDate?: Date): Promise<KeyPair> {
  const { cert, private: key } = await generate([{ name: "commonName", value: name }], {
    keySize: 2048,
    ...(notAfterDate ? { notBeforeDate: new Date(0), notAfterDate } : {}),
  });
  return { cert: Buffer.from(cert), key: Buffer.from(key) };
}

async function start(options: FrontServerOptions = {}) {
  const server = await startFrontServer({ tls: pair, ...options });
  stops.push(server.stop);
  return server;
}

/** Connects with TLS. `received` is the text received so far. */
async function connectTls(port: number, text = ""): Promise<{ socket: TLSSocket; received: () => string }> {
  const socket = tls.connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
  stops.unshift(async () => void socket.destroy());
  socket.on("error", () => undefined);
  let received = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    received += chunk;
  });
  await once(socket, "secureConnect");
  socket.write(text);
  return { socket, received: () => received };
}

/** The levels of the log lines. */
function createLevelLog() {
  const levels: string[] = [];
  return { levels, info: () => void levels.push("info"), warn: () => void levels.push("warn") };
}

describe("plain HTTP on the port of HTTPS", () => {
  it.each([
    ["GET", "/login?next=%2F", ""],
    ["GET", "/api/1/ce/x?key=k", "Connection: Upgrade\r\nUpgrade: websocket\r\n"],
    ["HEAD", "/api/health", ""],
    ["DELETE", "/api/1/ce/x?key=k&uniqueId=1", ""],
    ["OPTIONS", "/api/1/ce/x?key=k", ""],
  ])("[U18] %s %s is 308 to the same address, with a problem document", async (method, target, lines) => {
    const { connect, headers } = await start();
    const connection = await connect(`${method} ${target} HTTP/1.1\r\nHost: rested.test:3000\r\n${lines}\r\n`);
    const answer = parseRaw(await connection.closed());
    expect(answer.status).toBe(308);
    expect(answer.headers.get("location")).toBe(`https://rested.test:3000${target}`);
    expect(answer.headers.get("connection")).toBe("close");
    // RFC 6797, section 7.2.
    expect(answer.headers.get("strict-transport-security")).toBeNull();
    if (method !== "HEAD") expect(await expectRaw(answer, "https_required")).toContain(`https://rested.test:3000${target}`);
    expect(headers).toEqual([]);
  });

  it("[U18] a body is not read, and does not prevent the response", async () => {
    const { connect, countRead } = await start();
    for (const expectation of ["", "Expect: 100-continue\r\n"]) {
      const body = expectation ? "" : "x".repeat(300_000);
      const head = `POST /api/manage/projects HTTP/1.1\r\nHost: a.test\r\nContent-Length: 300000\r\n${expectation}\r\n`;
      const connection = await connect(head + body);
      await until("an answer", () => connection.received().endsWith("}"));
      expect(connection.received()).toMatch(/^HTTP\/1\.1 308 /);
    }
    expect(countRead()).toBe(0);
  });

  it("[U18] the public address is given with its port", async () => {
    const { connect } = await start({ publicUrl: "https://rested.test" });
    const location = async (host: string) =>
      parseRaw(await (await connect(get("/login", [`Host: ${host}`]))).closed()).headers.get("location");
    expect(await location("rested.test:3000")).toBe("https://rested.test/login");
    expect(await location("127.0.0.1:3000")).toBe("https://127.0.0.1:3000/login");
  });

  it("[U12] problems of a request are reported there too", async () => {
    const { connect } = await start();
    for (const text of [
      get("/login", ["Host: a", "Host: b"]),
      get("/login", []),
      "GET /login HTTP/1.0\r\n\r\n",
      get("ftp://x/"),
      get("/%ff"),
      "NONSENSE\r\n\r\n",
    ])
      await expectRaw(parseRaw(await (await connect(text)).closed()), "request_invalid");
  });

  it.each([
    ["a zero byte", "\u0000"],
    ["a digit", "1"],
    ["a line break", "\r\n"],
    ["a byte above ASCII", "\u00ff"],
  ])("[U18] a connection that begins with %s is closed without a response", async (_, text) => {
    const { connect } = await start();
    expect(await (await connect(text)).closed()).toBe("");
  });

  it("[U18] a silent connection, or one with an endless head, is closed in time", async () => {
    const { connect } = await start({ headersTimeoutMs: 50 });
    for (const text of ["", "G", "GET / HTTP/1.1\r\nHost: x\r\n", "\u0016\u0003"]) await (await connect(text)).closed();
  });

  it("[U18] connections without a request over TLS do not delay the shutdown", async () => {
    const { server, connect } = await start({ headersTimeoutMs: 60_000 });
    const connections = await Promise.all(["", "G", "GET / HTTP/1.1\r\nHost: x\r\n", "\u0016\u0003"].map((text) => connect(text)));
    await until("the server has them", () => new Promise((resolve) => server.getConnections((_, count) => resolve(count === 4))));
    server.closeAllConnections();
    for (const connection of connections) expect(await connection.closed()).toBe("");
  });

  it("[U14] its connections count, and one over the limit is closed", async () => {
    const { connect, port } = await start({ limits: { perAddress: 1 } });
    const first = await connect("G");
    expect(await (await connect(get("/login"))).closed()).toBe("");
    first.socket.destroy();
    await until("there is room", async () => {
      const connection = await connectTls(port, get("/login")).catch(() => undefined);
      if (!connection) return false;
      await once(connection.socket, "data");
      return connection.received().includes("page 0 /login");
    });
  });

  it("[U18] clients that only connect, or reset the connection, do no harm", async () => {
    const { connect, port } = await start();
    (await connect()).socket.end();
    (await connect("G")).socket.resetAndDestroy();
    const { received } = await connectTls(port, get("/login"));
    await until("an answer", () => received().endsWith("page 0 /login test"));
  });
});

describe("HTTPS", () => {
  it("[U16] ignores offers of other protocols, keeps the connection, and accepts WebSocket", async () => {
    const { port } = await start({ limits: { perAddress: 1 } });
    const { socket, received } = await connectTls(port);
    const offer = ["Host: test", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AA"];
    socket.write(get("/a", offer) + get("/b"));
    await until("two answers", () => received().includes("page 0 /a test") && received().endsWith("page 0 /b test"));
    socket.write(`${get("/c", [...offer, "Content-Length: 2"])}x`);
    socket.write("y");
    await until("the third answer", () => received().endsWith("page 0 /c test") || received().includes("body_too_large"));
    const other = await startFrontServer({ tls: pair });
    stops.push(other.stop);
    const second = await connectTls(other.port, get("/api/1/ce/x", ["Host: test", "Connection: Upgrade", "Upgrade: websocket"]));
    await until("the WebSocket", () => second.received().startsWith("WebSocket /api/1/ce/x websocket"));
  });

  it("[U18] a handshake in pieces of one byte succeeds", async () => {
    const { port, connect } = await start();
    const relay = (await import("node:net")).createServer(async (client) => {
      const { socket } = await connect();
      socket.setEncoding("latin1");
      client.on("error", () => undefined);
      const forward = async (chunk: Buffer) => {
        client.pause();
        for (const byte of chunk) {
          socket.write(Uint8Array.of(byte));
          await new Promise(setImmediate);
        }
        client.resume();
      };
      client.on("data", (chunk: Buffer) => void forward(chunk));
      socket.on("data", (chunk: string) => client.write(chunk, "latin1"));
    });
    relay.listen(0, "127.0.0.1");
    await once(relay, "listening");
    stops.push(async () => void relay.close());
    const address = relay.address();
    if (address === null || typeof address === "string") throw new Error(`No port beside ${port}.`);
    const { received } = await connectTls(address.port, get("/login"));
    await until("an answer", () => received().endsWith("page 0 /login test"));
  });
});

describe("a renewed certificate", () => {
  async function startWithFiles() {
    const folder = await mkdtemp(path.join(os.tmpdir(), "rested-tls-"));
    stops.push(() => rm(folder, { recursive: true }));
    const files = { certFile: path.join(folder, "cert.pem"), keyFile: path.join(folder, "key.pem") };
    const write = async ({ cert, key }: Partial<KeyPair>) => {
      if (cert) await writeFile(files.certFile, cert);
      if (key) await writeFile(files.keyFile, key);
    };
    await write(pair);
    const log = createLevelLog();
    const certificates = await loadCertificates({ ...files, clock: { now: () => new Date() }, log });
    const { port, server } = await start({ tls: certificates.current() });
    certificates.onChange((next) => (server as https.Server).setSecureContext(next));
    const name = async () => {
      const { socket } = await connectTls(port);
      return socket.getPeerCertificate().subject.CN;
    };
    return { files, write, log, certificates, name, port };
  }

  it("[U18] is used by new connections once both files match; open ones continue", async () => {
    const { write, certificates, name, port, log } = await startWithFiles();
    const open = await connectTls(port);
    const renewed = await createPair("renewed.test");
    await write({ cert: renewed.cert });
    await certificates.reload();
    await certificates.reload();
    expect(await name()).toBe("rested.test");
    expect(log.levels.filter((level) => level === "warn")).toHaveLength(1);
    await write({ key: renewed.key });
    await certificates.reload();
    expect(await name()).toBe("renewed.test");
    open.socket.write(get("/login"));
    await until("an answer", () => open.received().endsWith("page 0 /login test"));
  });

  it("[U18] that is broken, missing or expired is not used, and each problem is logged once", async () => {
    const { files, write, certificates, name, log } = await startWithFiles();
    const expired = await createPair("expired.test", new Date(86_400_000));
    const bad: (() => Promise<void>)[] = [() => write({ cert: Buffer.from("nonsense") }), () => write(expired), () => rm(files.keyFile)];
    for (const [index, spoil] of bad.entries()) {
      await spoil();
      await Promise.all([certificates.reload(), certificates.reload()]);
      await certificates.reload();
      expect(log.levels.filter((level) => level === "warn")).toHaveLength(index + 1);
      expect(await name()).toBe("rested.test");
    }
    await write(pair);
    await certificates.reload();
    expect(log.levels).toHaveLength(bad.length);
  });

  it("[U18] a certificate and key that do not match prevent the start", async () => {
    const { files, write } = await startWithFiles();
    await write({ key: (await createPair("other.test")).key });
    const log = createLevelLog();
    await expect(loadCertificates({ ...files, clock: { now: () => new Date() }, log })).rejects.toThrow(/TLS_CERT_FILE/);
  });
});
