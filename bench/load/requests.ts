/** Writes requests and handshakes as the bytes that go over the connection. */
import { randomBytes } from "node:crypto";

/** A complete request with keep-alive. `body` is sent as JSON. */
export function toRequest(
  method: string,
  target: string,
  options: { body?: string; headers?: Readonly<Record<string, string>> } = {},
): string {
  const { body, headers = {} } = options;
  const lines = [`${method} ${target} HTTP/1.1`, "Host: 127.0.0.1", ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)];
  if (body !== undefined) lines.push("Content-Type: application/json", `Content-Length: ${Buffer.byteLength(body)}`);
  return `${lines.join("\r\n")}\r\n\r\n${body ?? ""}`;
}

/** The handshake of a WebSocket. */
export function toUpgrade(target: string): string {
  return toRequest("GET", target, {
    headers: {
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
    },
  });
}

/** The same items in a random order. */
export function shuffle<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
