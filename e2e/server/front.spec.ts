/** The checks of tests/contract/http/server/front.test.ts in a running server with its own certificate: they apply to all planes. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import https from "node:https";
import os from "node:os";
import path from "node:path";
import tls from "node:tls";
import { expect, test } from "playwright/test";
import { generate } from "selfsigned";
import { connectRaw, parseRaw } from "@/tests/support/clients/raw-http";
import { findFreePort } from "@/tests/support/servers/ports";
import { until } from "@/tests/support/until";
import { startServer } from "../support/server";

const ENDPOINT = "/api/1/ce/examples/unsecure-endpoint?key=d59eb2859c284168ac48aef65046d5dd";
const UPGRADE = [
  "Connection",
  "Upgrade",
  "Upgrade",
  "websocket",
  "Sec-WebSocket-Version",
  "13",
  "Sec-WebSocket-Key",
  "dGhlIHNhbXBsZSBub25jZQ==",
];

interface RawResponse {
  status: number | undefined;
  headers: Record<string, unknown>;
  /** The code of a problem document. */
  code: string | undefined;
}

let folder: string;
let files: { TLS_CERT_FILE: string; TLS_KEY_FILE: string };
let port: number;
let server: Awaited<ReturnType<typeof startServer>>;

test.beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "rested-front-"));
  const { cert, private: key } = await generate([{ name: "commonName", value: "rested.test" }], { keySize: 2048 });
  files = { TLS_CERT_FILE: path.join(folder, "cert.pem"), TLS_KEY_FILE: path.join(folder, "key.pem") };
  await writeFile(files.TLS_CERT_FILE, cert);
  await writeFile(files.TLS_KEY_FILE, key);
  port = await findFreePort();
  server = await startServer({ port, env: { ...files, RESTED_DEMO: "1", RESTED_PUBLIC_URL: "https://rested.test" } });
});
test.afterAll(async () => {
  await server.dispose();
  await rm(folder, { recursive: true, force: true });
});

/** `headers`: alternating names and values, in the order on the wire. */
function send(target: string, headers: readonly string[] = ["Host", "rested.test"]): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    const request = https.request(
      { hostname: "127.0.0.1", port, path: target, headers, rejectUnauthorized: false, agent: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (piece: string) => {
          text += piece;
        });
        response.on("error", reject).on("end", () => {
          const isProblem = response.headers["content-type"]?.startsWith("application/problem+json");
          resolve({ status: response.statusCode, headers: response.headers, code: isProblem ? JSON.parse(text).code : undefined });
        });
      },
    );
    request.on("upgrade", (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode, headers: response.headers, code: undefined });
    });
    request.on("error", reject).end();
  });
}

const PLACES = [ENDPOINT, "/api/health", "/api/manage/openapi.json", "/api/nope", "/setup"];

test("[U15] with its own certificate, the responses of every plane have Strict-Transport-Security", async () => {
  for (const place of PLACES) expect((await send(place)).headers["strict-transport-security"], place).toBe("max-age=15552000");
});

test("[U12] two Host headers are 400 on every plane, and for streams", async () => {
  const twice = ["Host", "rested.test", "Host", "evil.test"];
  for (const place of PLACES) expect(await send(place, twice), place).toMatchObject({ status: 400, code: "request_invalid" });
  expect(await send(ENDPOINT, [...twice, ...UPGRADE])).toMatchObject({ status: 400, code: "request_invalid" });
  expect(await send(ENDPOINT, ["Host", "rested.test", ...UPGRADE])).toMatchObject({ status: 101 });
});

test("[U12] invalid percent-encoding is 400 on every plane", async () => {
  for (const place of ["/%ED%A0%80", "/api/manage/projects/%ED%A0%80", "/api/manage/endpoints/%ff/records", "/api/1/ce/some/%ff?key=k"]) {
    expect(await send(place), place).toMatchObject({ status: 400, code: "request_invalid" });
  }
});

test("[U13] pages and the management API respond only to the public host, endpoints and health to every host", async () => {
  const evil = ["Host", "evil.test"];
  for (const place of ["/setup", "/api/manage/openapi.json", "/api/auth/csrf", "/api/nope"]) {
    expect(await send(place, evil), place).toMatchObject({ status: 421, code: "host_not_allowed" });
  }
  for (const place of [ENDPOINT, "/api/health"]) expect(await send(place, evil), place).toMatchObject({ status: 200 });
});

test("[U18] plain HTTP on the HTTPS port is redirected", async () => {
  const connection = await connectRaw(port, `GET ${ENDPOINT} HTTP/1.1\r\nHost: rested.test:${port}\r\n\r\n`);
  const response = parseRaw(await connection.closed());
  expect([response.status, response.headers.get("location")]).toEqual([308, `https://rested.test${ENDPOINT}`]);
});

test("[E8] the server prints only lines of JSON, whatever the request", async () => {
  const odd = [
    "*",
    "//api/health",
    "/api/manage/%ff",
    "/_next/image?url=x",
    "/login?_rsc=%ff",
    "/api/auth/callback/nope",
    "/%2e%2e/x",
    "/p/%5Bid%5D",
  ];
  for (const method of ["GET", "POST", "OPTIONS", "TRACE", "PROPFIND", "BREW"])
    for (const target of odd) {
      const socket = tls.connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
      socket.on("error", () => undefined);
      socket.write(`${method} ${target} HTTP/1.1\r\nHost: rested.test\r\nNext-Action: x\r\nRSC: 1\r\nConnection: close\r\n\r\n`);
      let received = "";
      for await (const chunk of socket.setEncoding("latin1")) received += chunk;
      expect(received, `${method} ${target}`).toMatch(/^HTTP\/1\.1 [2-4]\d\d /);
    }
  const lines = server.output().trim().split("\n");
  const printed = lines.filter((line) => !line.startsWith("{") && !/^(Rested is ready|Create the first account|Demo endpoint)/.test(line));
  expect(printed).toEqual([]);
});

test("[U18] SIGHUP reloads the certificate, and does not stop the server", async () => {
  const readName = async () => {
    const socket = tls.connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
    await new Promise((resolve) => socket.once("secureConnect", resolve));
    const { CN } = socket.getPeerCertificate().subject;
    socket.destroy();
    return CN;
  };
  expect(await readName()).toBe("rested.test");
  const { cert, private: key } = await generate([{ name: "commonName", value: "renewed.test" }], { keySize: 2048 });
  await writeFile(files.TLS_CERT_FILE, cert);
  await writeFile(files.TLS_KEY_FILE, key);
  process.kill(server.pid, "SIGHUP");
  await until("the new certificate", async () => (await readName()) === "renewed.test");
  expect(await send("/api/health")).toMatchObject({ status: 200 });
});
