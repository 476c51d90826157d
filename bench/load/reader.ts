/**
 * Reads many streams, in a process of its own (run-readers.ts starts it). It parses only the headers of WebSocket frames: it counts messages
 * and answers pings, and costs as little CPU time as possible, which the servers under test need.
 */
import type net from "node:net";
import { createFrameCounter } from "./frame-counter";
import { openStream } from "./open-stream";
import type { ReaderTask, ReadState } from "./run-readers";

/** An empty pong, masked with zeros. */
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
/** The reply to a ping of Centrifugo's JSON protocol: the message `{}`. */
const JSON_PONG = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x7b, 0x7d]);
/** Sockets that are opened at the same time. */
const OPENING_AT_ONCE = 100;

interface Reader {
  socket: net.Socket;
  messages: number;
  /** The server has closed it. */
  hasEnded: boolean;
}

let readers: Reader[] = [];

process.on("message", (task: ReaderTask | { state: true } | { reset: true }) => {
  const reply = "state" in task ? Promise.resolve(toState()) : "reset" in task ? reset() : open(task);
  reply.then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) }),
  );
});
process.once("disconnect", () => process.exit());

function toState(): ReadState {
  let [least, most, total] = [Number.POSITIVE_INFINITY, 0, 0];
  for (const { messages, hasEnded } of readers) {
    total += messages;
    if (hasEnded) continue;
    least = Math.min(least, messages);
    most = Math.max(most, messages);
  }
  const { user, system } = process.cpuUsage();
  const ended = readers.filter(({ hasEnded }) => hasEnded).length;
  const open = readers.length - ended;
  return { least: open === 0 ? 0 : least, most, total, open, ended, cpuSeconds: (user + system) / 1e6 };
}

async function reset(): Promise<ReadState> {
  readers = readers.filter(({ hasEnded }) => !hasEnded);
  for (const reader of readers) reader.messages = 0;
  return toState();
}

async function open(task: ReaderTask): Promise<ReadState> {
  for (let first = 0; first < task.count; first += OPENING_AT_ONCE) {
    const count = Math.min(OPENING_AT_ONCE, task.count - first);
    readers.push(...(await Promise.all(Array.from({ length: count }, () => openOne(task)))));
  }
  return toState();
}

async function openOne({ port, stream }: ReaderTask): Promise<Reader> {
  const socket = await openStream(port, stream);
  const reader: Reader = { socket, messages: 0, hasEnded: false };
  const events = {
    onMessages: (count: number) => {
      reader.messages += count;
    },
    onPing: () => void socket.write(PONG),
    onJsonPing: () => void socket.write(JSON_PONG),
    onClose: () => void socket.destroy(),
  };
  if (stream.kind === "pocketbase") socket.on("data", () => events.onMessages(1));
  else socket.on("data", createFrameCounter(events, stream.joinedBytes));
  socket.once("close", () => {
    reader.hasEnded = true;
  });
  return reader;
}
