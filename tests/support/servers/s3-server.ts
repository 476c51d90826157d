/** A store that speaks S3, in a folder of its own, for tests. */
import { mkdtemp, rm } from "node:fs/promises";
import type http from "node:http";
import os from "node:os";
import path from "node:path";
import S3rver from "s3rver";
import type { S3Options } from "@/src/storage/s3";
import { listFiles } from "@/tests/support/list-files";

export interface S3Server {
  options: S3Options;
  /** The requests that came, as `METHOD /path?query`. */
  requests: string[];
  /** Returns true for a request that the test handles itself. */
  intercept: (request: http.IncomingMessage, response: http.ServerResponse) => boolean;
  /** The keys of its whole objects. */
  list(): Promise<string[]>;
  close(): Promise<void>;
}

const OBJECT = "._S3rver_object";

export async function startS3Server(): Promise<S3Server> {
  const directory = await mkdtemp(path.join(os.tmpdir(), "rested-s3-"));
  const s3rver = new S3rver({ directory, silent: true, configureBuckets: [{ name: "rested-test", configs: [] }] });
  await s3rver.configureBuckets();
  const server = await s3rver.listen(0, "127.0.0.1");
  const handlers = server.listeners("request");
  server.removeAllListeners("request");
  const s3: S3Server = {
    options: {
      bucket: "rested-test",
      region: "us-east-1",
      endpoint: "",
      // The pair that s3rver knows.
      accessKeyId: "S3RVER",
      secretAccessKey: "S3RVER",
    },
    requests: [],
    intercept: () => false,
    list: async () => (await listFiles(directory)).filter((name) => name.endsWith(OBJECT)).map((name) => name.slice(0, -OBJECT.length)),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(directory, { recursive: true, force: true });
    },
  };
  server.on("request", (request: http.IncomingMessage, response: http.ServerResponse) => {
    s3.requests.push(`${request.method} ${request.url}`);
    if (!s3.intercept(request, response)) for (const handle of handlers) handle.call(server, request, response);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The store has no port.");
  s3.options.endpoint = `http://127.0.0.1:${address.port}`;
  return s3;
}
