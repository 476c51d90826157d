/** The health check of the image: exits with 0 when the server of this machine answers that it is well. Reads the server's own settings. */
import http from "node:http";
import https from "node:https";

const TIMEOUT_MS = 2_500;
const { HOST = "127.0.0.1", PORT = "3000", TLS_CERT_FILE } = process.env;

/** An address to listen on that stands for all of them can't be asked. */
const host = { "0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1" }[HOST] ?? HOST;
// The certificate names the address that people use.
const options = { host, port: Number(PORT), path: "/api/health", rejectUnauthorized: false, timeout: TIMEOUT_MS };

(TLS_CERT_FILE ? https : http)
  .get(options, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1))
  .on("timeout", () => process.exit(1))
  .on("error", () => process.exit(1));
