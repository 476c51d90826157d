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
  let isOver = false;
  // The listener stays on the response, which closes only once: removing it would take longer than anything else here.
  const settle = () => {
    if (isOver) return;
    isOver = true;
    acts.delete(settle);
    act();
  };
  const cancel = () => {
    isOver = true;
    acts.delete(settle);
    response.off("close", settle);
  };
  if (response.closed || socket.destroyed) settle();
  else {
    acts.add(settle);
    response.on("close", settle);
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
