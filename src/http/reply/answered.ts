/** When an answer is over. Node emits no `close` on the answer to a pipelined request whose connection ends before its turn has come. */
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** What is to be called, by connection: one listener each, however many requests are pipelined. */
const waiting = new WeakMap<Socket, Set<() => void>>();

/** True when nobody is left to take the answer. */
export function isGone(response: ServerResponse): boolean {
  return response.destroyed || response.req.socket.destroyed;
}

/** Calls `act` once, when the answer was handed over or its connection has ended; at once when that is so already. Returns how to call it off. */
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
