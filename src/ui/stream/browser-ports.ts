/** The functions of the browser that a StreamConnection needs. Works in pages and in workers. */
import type { ConnectionPorts, StreamSocket } from "./stream-connection";

export const BROWSER_PORTS: Pick<ConnectionPorts, "openSocket" | "setTimer" | "nowMs" | "random"> = {
  openSocket,
  setTimer: (run, ms) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  nowMs: () => Date.now(),
  random: Math.random,
};

function openSocket(url: string): StreamSocket {
  const socket = new WebSocket(url);
  const port: StreamSocket = { onmessage: null, onclose: null, close: () => socket.close() };
  socket.onmessage = (event: MessageEvent<unknown>) => port.onmessage?.(event);
  socket.onclose = (event) => port.onclose?.(event);
  return port;
}
