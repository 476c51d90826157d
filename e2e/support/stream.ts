/** A client of the public stream for tests: keeps all messages, and waits for one without sleeping. */
import WebSocket from "ws";

export interface StreamClient {
  messages: Array<{ type: string; record: { uniqueId: string; data: unknown; createdAt: string; updatedAt: string }; cursor?: string }>;
  /** Resolves with the first message, past or future, that satisfies `test`. */
  until(test: (message: StreamClient["messages"][number]) => boolean): Promise<StreamClient["messages"][number]>;
  closed: Promise<{ code: number; reason: string }>;
  isOpen(): boolean;
  close(): void;
}

/** Opens a stream. Resolves when it is open. `rejectUnauthorized: false` accepts a self-signed certificate. */
export async function openStream(url: string, options: { rejectUnauthorized?: boolean } = {}): Promise<StreamClient> {
  const socket = new WebSocket(url, options);
  const messages: StreamClient["messages"] = [];
  const waiting = new Set<() => void>();
  socket.on("message", (raw) => {
    messages.push(JSON.parse(raw.toString()));
    for (const check of waiting) check();
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("open", () => resolve());
    socket.once("error", reject);
  });
  return {
    messages,
    closed,
    isOpen: () => socket.readyState === WebSocket.OPEN,
    close: () => socket.close(),
    until: (test) =>
      new Promise((resolve, reject) => {
        const check = () => {
          const found = messages.find(test);
          if (!found) return;
          waiting.delete(check);
          resolve(found);
        };
        waiting.add(check);
        closed.then(({ code, reason }) => reject(new Error(`The stream ended with ${code} ${reason}`)));
        check();
      }),
  };
}
