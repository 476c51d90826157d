/** Detects the end of a response. Node.js emits no `close` on the response to a pipelined request whose connection closes before its turn. */
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** The functions to call, by connection: one listener each, however many requests are pipelined. */
const waiting = new WeakMap<Socket, Set<() => void>>();

/** True if the client can no longer receive the response. */
export function isClosed(response: ServerResponse): boolean {
  return response.destroyed || response.req.socket.destroyed;
}

/** Calls `act` once, when the response was sent or its connection has closed; immediately if that has happened. Returns a function that cancels this. */
export function onAnswered(response: ServerResponse, act: () => void): () => void {
  const { socket } = response.req;
  const acts = waiting.get(socket) ?? follow(socket);
  const cancel = () => {
    acts.delete(once);
    response.off("close", once);
  };
  const once = () => {
    cancel();
    act();
  };
  if (response.closed || socket.destroyed) act();
  else {
    acts.add(once);
    response.on("close", once);
  }
  return cancel;
}

function follow(socket: Socket): Set<() => void> {
  const acts = new Set<() => void>();
  waiting.set(socket, acts);
  socket.once("close", () => {
    for (const act of acts) act();
  });
  return acts;
}
