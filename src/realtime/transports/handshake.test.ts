/** Valid and invalid WebSocket handshakes. */
import { describe, expect, it } from "vitest";
import { handshakeProblem } from "./handshake";

const HEADERS = {
  upgrade: "websocket",
  connection: "Upgrade",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-version": "13",
};

describe("handshakeProblem", () => {
  it.each([
    {},
    { upgrade: "WebSocket" },
    { "sec-websocket-protocol": "chat, superchat" },
    { "sec-websocket-extensions": "permessage-deflate" },
  ])("[W14] accepts %j", (headers) => {
    expect(handshakeProblem({ method: "GET", headers: { ...HEADERS, ...headers } })).toBeUndefined();
  });

  it.each<[string, { method?: string; headers?: Record<string, string | undefined> }, RegExp]>([
    ["another method", { method: "POST" }, /GET/],
    ["no key", { headers: { "sec-websocket-key": undefined } }, /missing/],
    ["an empty key", { headers: { "sec-websocket-key": "" } }, /Sec-WebSocket-Key/],
    ["a short key", { headers: { "sec-websocket-key": "abc=" } }, /Sec-WebSocket-Key/],
    ["a key with foreign characters", { headers: { "sec-websocket-key": "!!!!!!!!!!!!!!!!!!!!!!==" } }, /Sec-WebSocket-Key/],
    [
      "two keys",
      { headers: { "sec-websocket-key": `${HEADERS["sec-websocket-key"]}, ${HEADERS["sec-websocket-key"]}` } },
      /Sec-WebSocket-Key/,
    ],
    ["a broken protocol list", { headers: { "sec-websocket-protocol": "a,,b" } }, /Sec-WebSocket-Protocol/],
  ])("[W14] refuses %s with 400", (_, { method = "GET", headers = {} }, detail) => {
    const problem = handshakeProblem({ method, headers: { ...HEADERS, ...headers } });
    expect(problem).toMatchObject({ status: 400, error: { code: "upgrade_invalid" } });
    expect(problem?.error.message).toMatch(detail);
  });

  it.each(["8", "12", "14", "", "13, 8"])("[W14] responds to version %j with 426 and the supported version", (version) => {
    const problem = handshakeProblem({ method: "GET", headers: { ...HEADERS, "sec-websocket-version": version } });
    expect(problem).toMatchObject({ status: 426, headers: { "Sec-WebSocket-Version": "13" } });
  });
});
