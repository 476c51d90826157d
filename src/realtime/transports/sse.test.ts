/** Server-sent events as the sink of a subscriber, over a real connection. */
import { once } from "node:events";
import { createServer, get, type IncomingMessage, ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { createEventSink } from "./sse";

describe("createEventSink", () => {
  it("[W7] [W12] passes bytes to the operating system at once, so that they do not count as those of a slow client", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    try {
      await once(server, "listening");
      const address = server.address();
      const request = get({ port: typeof address === "object" && address !== null ? address.port : 0, host: "127.0.0.1" });
      const [[, response], [received]]: [unknown[], IncomingMessage[]] = await Promise.all([
        once(server, "request").then((args) => {
          if (args[1] instanceof ServerResponse) args[1].flushHeaders();
          return args;
        }),
        once(request, "response"),
      ]);
      if (!(response instanceof ServerResponse) || received === undefined) throw new Error("no response");
      const sink = createEventSink(response);
      const event = Buffer.from("data: 1\n\n");
      sink.write(event);
      expect(sink.unsentBytes()).toBe(0);
      sink.write(event);
      response.end();
      let text = "";
      for await (const chunk of received) text += chunk;
      expect(text).toBe("data: 1\n\ndata: 1\n\n");
    } finally {
      server.close();
    }
  });
});
