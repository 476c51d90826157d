/** Lists flow at the client's pace. */
import { once } from "node:events";
import http, { type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { streamList } from "@/src/http/reply/stream-list";
import { createDrain } from "@/src/http/server/drain";

const PIECE = `"${"x".repeat(64 * 1024 - 2)}"`;

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** Serves `pieces` once, and returns the outcome of streamList and what the client received. */
async function serve(pieces: AsyncIterable<string>): Promise<{ outcome: Promise<unknown>; answer: Promise<IncomingMessage> }> {
  let settle: (outcome: unknown) => void = () => undefined;
  const outcome = new Promise<unknown>((resolve) => {
    settle = resolve;
  });
  server = http.createServer((request, response) => {
    streamList({ exchange: { request, response, drain: createDrain({ drainMs: 100 }) }, headers: { "X-Test": "1" }, pieces }).then(
      () => settle("done"),
      (error: unknown) => {
        if (response.headersSent) response.destroy();
        else response.writeHead(503).end();
        settle(error);
      },
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const request = http.get({ port, host: "127.0.0.1" });
  const answer = once(request, "response").then(([response]: IncomingMessage[]) => {
    if (!response) throw new Error("There was no response.");
    return response;
  });
  return { outcome, answer };
}

async function text(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

async function* list(...pieces: string[]): AsyncGenerator<string, void> {
  yield* pieces;
}

describe("streamList", () => {
  it.each([
    [[], "[]"],
    [["1,2"], "[1,2]"],
  ])("[R3] sends %j with its length", async (pieces, body) => {
    const { outcome, answer } = await serve(list(...pieces));
    const response = await answer;
    expect(await text(response)).toBe(body);
    expect(response.headers["content-length"]).toBe(String(body.length));
    expect(response.headers["x-test"]).toBe("1");
    expect(await outcome).toBe("done");
  });

  it("[R3] sends several pieces as one array, without their length", async () => {
    const response = await (await serve(list("1,2", "3", "4"))).answer;
    expect(await text(response)).toBe("[1,2,3,4]");
    expect(response.headers["content-length"]).toBeUndefined();
  });

  it("[R3] reads no more than the client does, and stops when it disconnects", async () => {
    let asked = 0;
    let ended = false;
    async function* endless(): AsyncGenerator<string, void> {
      try {
        for (;;) {
          asked += 1;
          yield PIECE;
        }
      } finally {
        ended = true;
      }
    }
    const { outcome, answer } = await serve(endless());
    const response = await answer;
    // Without backpressure the endless list would never come to this line: nothing here is asynchronous on its side.
    response.destroy();
    expect(await outcome).toBe("done");
    expect(ended).toBe(true);
    expect(asked * PIECE.length).toBeLessThan(64 * 1024 * 1024);
  });

  it("[R3] loses nothing to backpressure", async () => {
    const { answer } = await serve(list(...Array.from({ length: 200 }, () => PIECE)));
    expect(await text(await answer)).toBe(`[${Array.from({ length: 200 }, () => PIECE).join(",")}]`);
  });

  it("[E3] leaves the response to its caller if the first piece fails", async () => {
    async function* broken(): AsyncGenerator<string, void> {
      if (PIECE) throw new Error("away");
      yield "";
    }
    const { outcome, answer } = await serve(broken());
    expect((await answer).statusCode).toBe(503);
    expect(String(await outcome)).toBe("Error: away");
  });

  it("[E3] does not complete the array if a later piece fails", async () => {
    async function* broken(): AsyncGenerator<string, void> {
      yield "1";
      yield "2";
      throw new Error("away");
    }
    const { outcome, answer } = await serve(broken());
    await expect(answer.then(text)).rejects.toThrow();
    expect(String(await outcome)).toBe("Error: away");
  });
});
