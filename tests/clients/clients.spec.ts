/** Tests that programs in other languages can use a running server with their common client libraries and without a library of Rested. */
import http from "node:http";
import path from "node:path";
import compression from "compression";
import { expect, test } from "playwright/test";
import { type RunningServer, startServer } from "@/e2e/support/server";
import { canRun, ensurePython, runQuietly } from "@/scripts/setup/tool-cache.mjs";

const DEMO = "/api/1/ce/examples/unsecure-endpoint?key=d59eb2859c284168ac48aef65046d5dd";
const PYTHON_PACKAGES = ["requests==2.34.2", "websockets==17.4", "aiohttp==3.14.5"];
const FOLDER = path.resolve("tests/clients");

let server: RunningServer;
let proxy: { port: number; stop: () => void };

test.beforeAll(async () => {
  server = await startServer({ env: { RESTED_DEMO: "1" } });
  proxy = await startCompressingProxy(server.url);
});
test.afterAll(async () => {
  proxy.stop();
  await server.dispose();
});

/** The results that each program reports. */
const toExpected = (from: string, type = "image/png") => ({
  created: [201, { text: "café", from }],
  read: [200, { text: "café", from }],
  listed: 1,
  replaced: [200, 412],
  file: [201, type, 8],
  websocket: ["POST", { n: 4 }],
  events: ["POST", { n: 6 }],
  deleted: [200, []],
});

const toDirect = () => server.url.replace("localhost", "127.0.0.1");
const toCompressing = () => `http://127.0.0.1:${proxy.port}`;

/** Runs a program with these addresses of the server, and compares its output. */
async function expectSeen(run: (url: string) => Promise<string>, expected: object, origins = [toDirect(), toCompressing()]): Promise<void> {
  for (const origin of origins) {
    expect(JSON.parse(await run(`${origin}${DEMO}`)), origin).toEqual(expected);
  }
}

test("[R1] [U16] [W1] [W16] Java's default HttpClient reads, writes, uploads and receives changes", async () => {
  test.setTimeout(180_000);
  if (!canRun("java")) return skip("java is not installed");
  // Not through the proxy: Node's http module takes the offer of h2c for an upgrade, and this proxy knows WebSockets only.
  const run = (url: string) => runQuietly("java", [path.join(FOLDER, "java/Client.java"), url]);
  await expectSeen(run, toExpected("HttpClient"), [toDirect()]);
});

test("[R1] [W1] [W16] Python's requests, websockets and aiohttp read, write, upload and receive changes", async () => {
  test.setTimeout(240_000);
  const python = await ensurePython("clients", PYTHON_PACKAGES);
  if ("missing" in python) return skip(python.missing);
  await expectSeen((url) => runQuietly(path.join(python.bin, "python"), [path.join(FOLDER, "python/client.py"), url]), {
    ...toExpected("requests"),
    aiohttp: ["POST", { n: 5 }],
  });
});

test("[R1] [W1] [W16] Go's net/http and coder/websocket read, write, upload and receive changes", async () => {
  test.setTimeout(240_000);
  if (!canRun("go", ["version"])) return skip("go is not installed");
  const cwd = path.join(FOLDER, "go");
  const failed = await runQuietly("go", ["mod", "download"], { cwd, signal: AbortSignal.timeout(60_000) }).then(
    () => undefined,
    (error: Error) => error.message,
  );
  if (failed !== undefined) return skip(`Go's modules can't be downloaded: ${failed}`);
  await expectSeen((url) => runQuietly("go", ["run", ".", url], { cwd }), toExpected("net/http", "application/octet-stream"));
});

test("[R7] [W16] a compressing proxy delays no event, and leaves entity tags and ranges unchanged", async () => {
  const origin = toCompressing();
  const headers = { "Accept-Encoding": "gzip" };
  const page = await fetch(`${origin}/login`, { headers });
  expect(page.headers.get("content-encoding")).toBe("gzip");
  const controller = new AbortController();
  const stream = await fetch(`${origin}${DEMO}`, { headers: { ...headers, Accept: "text/event-stream" }, signal: controller.signal });
  expect(stream.headers.get("content-encoding")).toBeNull();
  const post = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ text: "x".repeat(5_000) }) };
  await fetch(`${origin}${DEMO}`, post);
  let received = "";
  for await (const chunk of stream.body ?? []) {
    received += Buffer.from(chunk).toString("utf8");
    if (received.includes("xxxxx")) break;
  }
  controller.abort();
  const list = await fetch(`${origin}${DEMO}`, { headers });
  expect([list.status, list.headers.get("content-encoding")]).toEqual([200, null]);
});

function skip(reason: string): void {
  console.warn(`Skipped: ${reason}.`);
}

/** A proxy with the common compression middleware of Node.js. */
async function startCompressingProxy(target: string) {
  const compress = compression({ threshold: 0 });
  const { hostname, port } = new URL(target.replace("localhost", "127.0.0.1"));
  const front = http.createServer((request, response) => {
    compress(request as Parameters<typeof compress>[0], response as Parameters<typeof compress>[1], () => {
      const { method, url, headers } = request;
      const onward = http.request({ hostname, port, method, path: url, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
        response.on("close", () => onward.destroy());
      });
      onward.on("error", () => response.destroy());
      request.pipe(onward);
    });
  });
  front.on("upgrade", (request, socket, head) => {
    const { method, url, headers } = request;
    const onward = http.request({ hostname, port, method, path: url, headers });
    onward.on("upgrade", (answer, upstream, first) => {
      const lines = answer.rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${answer.rawHeaders[index + 1]}`] : []));
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("\r\n")}\r\n\r\n`);
      upstream.unshift(first);
      socket.unshift(head);
      for (const one of [socket, upstream]) one.on("error", () => undefined);
      upstream.pipe(socket).pipe(upstream);
    });
    onward.on("error", () => socket.destroy()).end();
  });
  await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
  const address = front.address();
  return {
    port: typeof address === "object" && address ? address.port : 0,
    stop: () => {
      front.closeAllConnections();
      front.close();
    },
  };
}
