/**
 * Measures the memory of an idle WebSocket: the server's resident memory with many sockets on one endpoint, plain and resumable,
 * minus that without any. The server and the clients are separate processes.
 * Run: npm run bench -- idle-sockets [sockets=10000] (`ulimit -n` must allow a process that many files).
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { toHandshake } from "@/tests/support/clients/raw-stream";
import { HOST, startBenchNode } from "../support/bench-node";

const KB = 1024;
/** Enough sockets to load all code and grow all pools. */
const WARM_UP_SOCKETS = 500;
/** Longer than the interval of pings (25 s), so that every socket has handled one. */
const IDLE_MS = 30_000;
const OPENING_MAX = 64;
const PING = 0x89;
/** Masked with zeros, and empty. */
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);

if (process.send) runClients();
else {
  const count = Number(process.argv[2] ?? 10_000);
  await measure("plain", "", count);
  await measure("resumable (since=now)", "&since=now", count);
}

/** Each case gets a new server, because memory that an earlier case freed would not be returned to the system. */
async function measure(name: string, query: string, count: number): Promise<void> {
  const { node, target, stop } = await startBenchNode({ execArgv: ["--expose-gc"] });
  const clients = fork(process.argv[1] ?? "", { execArgv: process.execArgv });
  try {
    const { port } = node;
    await tell(clients, { port, target: target + query, count: WARM_UP_SOCKETS });
    await tell(clients, { port, target: target + query, count: 0 });
    await delay(IDLE_MS / 10);
    const idle = await node.state();
    const startedAt = performance.now();
    await tell(clients, { port, target: target + query, count });
    const seconds = (performance.now() - startedAt) / 1_000;
    await delay(IDLE_MS);
    const full = await node.state();
    if (full.sockets !== count) throw new Error(`${full.sockets} of ${count} sockets are open.`);
    const each = (of: "residentBytes" | "aliveBytes") => ((full[of] - idle[of]) / count / KB).toFixed(1);
    console.log(
      `${count.toLocaleString("en")} sockets, ${name}: ${each("residentBytes")} KB resident each, ${each("aliveBytes")} KB of live objects; opened in ${seconds.toFixed(1)} s`,
    );
  } finally {
    clients.disconnect();
    await stop();
  }
}

interface Wanted {
  port: number;
  target: string;
  /** 0: closes all. */
  count: number;
}

function tell(clients: ChildProcess, wanted: Wanted): Promise<unknown> {
  const answer = once(clients, "message");
  clients.send(wanted);
  return answer;
}

function runClients(): void {
  let sockets: net.Socket[] = [];
  process.on("message", async ({ port, target, count }: Wanted) => {
    let left = count;
    const openSome = async () => {
      while (left-- > 0) sockets.push(await openSocket(port, target));
    };
    await Promise.all(Array.from({ length: OPENING_MAX }, openSome));
    if (count === 0) {
      for (const socket of sockets) socket.destroy();
      sockets = [];
    }
    process.send?.("done");
  });
  process.once("disconnect", () => process.exit());
}

async function openSocket(port: number, target: string): Promise<net.Socket> {
  const socket = net.connect(port, HOST);
  socket.write(toHandshake(target));
  const [answer] = (await once(socket, "data")) as [Buffer];
  if (!answer.includes(" 101 ")) throw new Error(answer.toString("latin1"));
  socket.on("data", (chunk) => {
    if (chunk.includes(PING)) socket.write(PONG);
  });
  return socket;
}
