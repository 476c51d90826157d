/** How a response reaches the socket. */
import { once } from "node:events";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import net, { type AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type Answer, respond } from "@/src/http/reply/respond";
import { createDrain } from "@/src/http/server/drain";

let server: http.Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

const drain = createDrain({ drainMs: 1000 });
const GET = "GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";

/** Sends `text`, responds to each request with the result of `answer`, and returns what the client received, and the chunks that the server wrote. */
async function exchange(text: string, answer: (request: IncomingMessage, response: ServerResponse) => Answer) {
  const writes: string[] = [];
  server = http.createServer((request, response) => respond({ request, response, drain }, answer(request, response)));
  server.on("connection", (socket: net.Socket) => {
    // Also called for each of several chunks that one `writev` sends.
    const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
    socket.write = (...args: unknown[]) => {
      writes.push(String(args[0]));
      return write(...args);
    };
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = net.connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.write(text);
  let received = "";
  for await (const chunk of socket) received += String(chunk);
  return { received, writes };
}

describe("respond", () => {
  it.each([
    ["a list of headers", ["X-Test", "1", "Content-Type", "text/plain"]],
    ["an object", { "X-Test": "1", "Content-Type": "text/plain" }],
  ])("sends head and body in one write, with %s", async (_, headers) => {
    const { received, writes } = await exchange(GET, () => ({ status: 200, headers, body: "übergroß" }));
    expect(writes.filter((text) => text !== "")).toHaveLength(1);
    expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\nX-Test: 1\r\nContent-Type: text\/plain\r\nContent-Length: 10\r\n/);
    expect(received.endsWith("\r\n\r\nübergroß")).toBe(true);
  });

  it("sends the headers that were set before, too", async () => {
    const { received } = await exchange(GET, (_request, response) => {
      response.setHeader("Strict-Transport-Security", "max-age=1").setHeader("Set-Cookie", ["a=1", "b=2"]);
      return { status: 200, headers: ["X-Test", "1"], body: "x" };
    });
    expect(received).toContain("\r\nStrict-Transport-Security: max-age=1\r\n");
    expect(received).toContain("\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n");
    expect(received).toContain("\r\nX-Test: 1\r\nContent-Length: 1\r\n");
  });

  it("has no length without a body, and can close the connection", async () => {
    const { received } = await exchange(GET.replace("Connection: close\r\n", ""), () => ({ status: 204, headers: [], close: true }));
    expect(received).not.toContain("Content-Length");
    expect(received).toContain("\r\nConnection: close\r\n");
  });

  it("[R16] responds before the rest of a body has arrived, and serves the next request of the connection", async () => {
    const post = "POST /1 HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nabc";
    const { received } = await exchange(post + GET, () => ({ status: 200, headers: [], body: "x" }));
    expect(received.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
  });
});
