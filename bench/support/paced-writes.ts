/** Independent clients that write to an endpoint at a rate, over plain sockets, which cost the least CPU. */
import { once } from "node:events";
import net from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { until } from "@/tests/support/until";
import { HOST } from "./bench-node";

const WRITER_CONNECTIONS = 128;
/** The interval at which a writer checks whether it is behind. */
const PACE_MS = 5;
const DRAIN_TIMEOUT_MS = 60_000;

export interface PacedWrites {
  port: number;
  /** The path and query of the endpoint. */
  target: string;
  count: number;
  /** Writes per second. 0: as many as the connections allow, until all are done. */
  rate: number;
}

/**
 * Sends POST requests with the bodies of `toBody`, which receives the number of the write. Writers that are behind catch up as fast as the connections
 * allow, until the time for all writes is over. Returns the number of acknowledged writes.
 */
export async function writeAtRate({ port, target, count, rate }: PacedWrites, toBody: (n: number) => string): Promise<number> {
  const head = `POST ${target} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: `;
  const idle: net.Socket[] = [];
  let [sent, acknowledged] = [0, 0];
  for (let n = 0; n < WRITER_CONNECTIONS; n++) idle.push(await connect(port));
  const sockets = [...idle];
  for (const socket of sockets) {
    socket.on("data", (chunk: Buffer) => {
      if (chunk.toString("latin1", 0, 12) !== "HTTP/1.1 201") throw new Error(chunk.toString());
      acknowledged++;
      idle.push(socket);
    });
  }
  const startedAt = performance.now();
  const endsAt = rate === 0 ? Number.POSITIVE_INFINITY : startedAt + (count / rate) * 1_000;
  while (acknowledged < count && performance.now() < endsAt) {
    const due = rate === 0 ? count : Math.min(count, ((performance.now() - startedAt) / 1_000) * rate);
    // Uses the connections in rotation, because the server closes connections that send nothing.
    for (; sent < due && idle.length > 0; sent++) {
      const body = toBody(sent);
      idle.shift()?.write(`${head}${Buffer.byteLength(body)}\r\n\r\n${body}`);
    }
    await delay(idle.length === 0 ? 1 : PACE_MS);
  }
  await until("the last answers", () => acknowledged >= sent, { timeoutMs: DRAIN_TIMEOUT_MS });
  for (const socket of sockets) socket.destroy();
  return acknowledged;
}

export async function connect(port: number): Promise<net.Socket> {
  const socket = net.connect({ port, host: HOST, noDelay: true });
  await once(socket, "connect");
  return socket;
}
