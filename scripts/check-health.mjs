/** The health check of the image: exits with 0 if the server on this machine reports that it is healthy. Reads the server's own settings. */
import http from "node:http";
import https from "node:https";

const TIMEOUT_MS = 2_500;
const { HOST = "127.0.0.1", PORT = "3000", TLS_CERT_FILE } = process.env;

/** An address that means "all interfaces" cannot be requested, so the loopback address is used. */
const host = { "0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1" }[HOST] ?? HOST;
// The certificate is not checked, because it names the public address.
const options = { host, port: Number(PORT), path: "/api/health", rejectUnauthorized: false, timeout: TIMEOUT_MS };

(TLS_CERT_FILE ? https : http)
  .get(options, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1))
  .on("timeout", () => process.exit(1))
  .on("error", () => process.exit(1));
