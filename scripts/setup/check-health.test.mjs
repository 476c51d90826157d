import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import https from "node:https";
import { generate } from "selfsigned";
import { expect, it } from "vitest";

/** Returns the exit code of the image's health check for a server that responds with `status`. */
async function check(status, { isTls = false, settings = {} } = {}) {
  const answer = (request, response) => {
    response.writeHead(request.url === "/api/health" ? status : 404);
    response.end();
  };
  const { cert, private: key } = isTls ? await generate([{ name: "commonName", value: "rested.test" }]) : {};
  const server = isTls ? https.createServer({ cert, key }, answer) : createServer(answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const env = { PATH: process.env.PATH, PORT: String(server.address().port), ...settings };
  const child = spawn(process.execPath, ["scripts/check-health.mjs"], { env, stdio: "ignore" });
  const [code] = await once(child, "exit");
  server.close();
  return code;
}

it("[E5] the image's health check uses HOST, PORT and TLS_CERT_FILE", async () => {
  expect(await check(200)).toBe(0);
  expect(await check(200, { settings: { HOST: "0.0.0.0" } })).toBe(0);
  expect(await check(200, { isTls: true, settings: { HOST: "127.0.0.1", TLS_CERT_FILE: "/some/cert.pem" } })).toBe(0);
});

it("[E5] the image's health check fails if the server is unhealthy or uses another protocol", async () => {
  expect(await check(503)).toBe(1);
  expect(await check(308, { settings: { TLS_CERT_FILE: "/some/cert.pem" } })).toBe(1);
  expect(await check(200, { isTls: true })).toBe(1);
});
