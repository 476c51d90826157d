/**
 * A Redis for tests: the real one if `redis-server` is installed, otherwise a stand-in that speaks its protocol over a real socket and
 * supports what Rested needs: counters that expire, and channels. The same tests pass on both.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { until } from "../until";
import { canConnect, findFreePort, HOST } from "./ports";

export interface TestRedis {
  host: string;
  port: number;
  close(): Promise<void>;
}

/** `port`: the port of a Redis that was closed, to start it again there. Default: a free port. */
export async function startTestRedis({ port }: { port?: number } = {}): Promise<TestRedis> {
  const at = port ?? (await findFreePort());
  return (await startReal(at)) ?? startStandIn(at);
}

async function startReal(port: number): Promise<TestRedis | undefined> {
  const child = spawn("redis-server", ["--port", String(port), "--bind", HOST, "--save", "", "--appendonly", "no"], { stdio: "ignore" });
  const exited = once(child, "exit");
  const spawned = await Promise.race([once(child, "spawn").then(() => true), once(child, "error").then(() => false)]).catch(() => false);
  exited.catch(() => undefined);
  if (!spawned) return undefined;
  await until("Redis to listen", () => canConnect(port));
  return {
    host: HOST,
    port,
    close: async () => {
      child.kill();
      await exited;
    },
  };
}

async function startStandIn(port: number): Promise<TestRedis> {
  const counters = new Map<string, { count: number; endsAt: number }>();
  const sockets = new Set<net.Socket>();
  const channels = new Map<string, Set<net.Socket>>();
  const answer = (socket: net.Socket, [name = "", ...args]: string[]): string => {
    switch (name.toLowerCase()) {
      case "info":
        return bulk("redis_version:7.0.0\r\nloading:0\r\n");
      case "client":
      case "select":
        return "+OK\r\n";
      case "eval":
      case "evalsha":
        return countIn(counters, args);
      case "subscribe": {
        const [channel = ""] = args;
        channels.set(channel, (channels.get(channel) ?? new Set()).add(socket));
        return `*3\r\n${bulk("subscribe")}${bulk(channel)}:1\r\n`;
      }
      case "publish": {
        const [channel = "", text = ""] = args;
        const readers = [...(channels.get(channel) ?? [])].filter((reader) => sockets.has(reader));
        for (const reader of readers) reader.write(`*3\r\n${bulk("message")}${bulk(channel)}${bulk(text)}`);
        return `:${readers.length}\r\n`;
      }
      default:
        return `-ERR unknown command '${name}'\r\n`;
    }
  };
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    let received = "";
    socket.setEncoding("latin1").on("data", (chunk) => {
      received += chunk;
      for (let command = readCommand(received); command; command = readCommand(received)) {
        received = received.slice(command.length);
        socket.write(answer(socket, command.words));
      }
    });
  });
  server.listen(port, HOST);
  await once(server, "listening");
  return {
    host: HOST,
    port,
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
}

/** `<script> 1 <key> <points> <seconds> …`: adds the points to the key's counter, which ends after the seconds. Returns the counter and its remaining ms. */
function countIn(counters: Map<string, { count: number; endsAt: number }>, [, , key = "", points, seconds]: string[]): string {
  const now = Date.now();
  const current = counters.get(key);
  const counter = current && current.endsAt > now ? current : { count: 0, endsAt: now + Number(seconds) * 1000 };
  counter.count += Number(points);
  counters.set(key, counter);
  return `*2\r\n:${counter.count}\r\n:${counter.endsAt - now}\r\n`;
}

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

/** The first whole command of `received` (an array of bulk strings), and how long it is; undefined: it has not arrived whole. */
function readCommand(received: string): { words: string[]; length: number } | undefined {
  const head = /^\*(\d+)\r\n/.exec(received);
  if (!head) return undefined;
  const words: string[] = [];
  let at = head[0].length;
  for (let left = Number(head[1]); left > 0; left--) {
    const size = /^\$(\d+)\r\n/.exec(received.slice(at, at + 20));
    if (!size) return undefined;
    const start = at + size[0].length;
    const end = start + Number(size[1]);
    if (received.length < end + 2) return undefined;
    words.push(received.slice(start, end));
    at = end + 2;
  }
  return { words, length: at };
}
