/** Starts a bare `node:http` server (bare-http-server.mjs), which answers the same bytes as another server. */
import { fork } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { fileURLToPath } from "node:url";
import { createResponseReader } from "../../load/http-connection";
import { type CaseLoad, HOST } from "../subject";

/** Those that Node.js adds by itself. */
const OWN_HEADERS = new Set(["date", "connection", "keep-alive", "transfer-encoding", "content-length"]);

export interface BareHttp {
  port: number;
  pid: number;
  /** From now on it answers as the server on `port` answers the first request of `load`. */
  copyAnswer(port: number, load: CaseLoad): Promise<void>;
  stop(): Promise<void>;
}

export async function startBareHttp({ node }: { node: string }): Promise<BareHttp> {
  const child = fork(fileURLToPath(new URL("bare-http-server.mjs", import.meta.url)), { execPath: node, execArgv: [] });
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  return {
    port,
    pid: child.pid ?? 0,
    copyAnswer: async (from, load) => {
      const answer = await readAnswer(from, load.requests[0] ?? "");
      const ready = once(child, "message");
      child.send(answer);
      await ready;
    },
    stop: async () => {
      const exited = once(child, "exit");
      child.disconnect();
      await exited;
    },
  };
}

/** The status, the headers (names and values in turn) and the body of a response. */
async function readAnswer(port: number, request: string): Promise<{ status: number; headers: string[]; body: string }> {
  const socket = net.connect({ port, host: HOST });
  let text = "";
  const status = await new Promise<number>((resolve, reject) => {
    const read = createResponseReader(resolve);
    socket.once("error", reject);
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      read(chunk);
    });
    socket.write(request);
  });
  socket.destroy();
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const lines = head.split("\r\n").slice(1);
  const isChunked = /^transfer-encoding: *chunked$/im.test(head);
  const raw = rest.join("\r\n\r\n");
  const body = isChunked ? joinChunks(raw) : raw;
  const headers = lines.flatMap((line) => {
    const [name = "", ...value] = line.split(": ");
    return OWN_HEADERS.has(name.toLowerCase()) ? [] : [name, value.join(": ")];
  });
  if (!isChunked) headers.push("Content-Length", String(body.length));
  return { status, headers, body };
}

function joinChunks(raw: string): string {
  let body = "";
  for (let at = 0; ; ) {
    const lineEnd = raw.indexOf("\r\n", at);
    const size = Number.parseInt(raw.slice(at, lineEnd), 16);
    if (!(size > 0)) return body;
    body += raw.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 4 + size;
  }
}
