/**
 * Reads many streams, in a process of its own (run-readers.ts starts it). It parses only the headers of WebSocket frames: it counts messages
 * and answers pings, and costs as little CPU time as possible, which the servers under test need.
 */
import type net from "node:net";
import { openStream } from "./open-stream";
import type { ReaderTask, ReadState } from "./run-readers";

const [TEXT, BINARY, CLOSE, PING] = [1, 2, 8, 9];
/** An empty pong, masked with zeros. */
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
/** The ping of Centrifugo's JSON protocol, and the client's reply, is the message `{}`. */
const JSON_PING_BYTES = 2;
const JSON_PONG = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x7b, 0x7d]);
/** Sockets that are opened at the same time. */
const OPENING_AT_ONCE = 100;

interface Reader {
  socket: net.Socket;
  messages: number;
}

const readers: Reader[] = [];
let ended = 0;

process.on("message", (task: ReaderTask | { state: true } | { reset: true }) => {
  const reply = "state" in task ? Promise.resolve(toState()) : "reset" in task ? reset() : open(task);
  reply.then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) }),
  );
});
process.once("disconnect", () => process.exit());

function toState(): ReadState {
  let [least, most] = [Number.POSITIVE_INFINITY, 0];
  for (const { messages } of readers) {
    least = Math.min(least, messages);
    most = Math.max(most, messages);
  }
  const { user, system } = process.cpuUsage();
  return { least, most, ended, cpuSeconds: (user + system) / 1e6 };
}

async function reset(): Promise<ReadState> {
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
  const reader: Reader = { socket, messages: 0 };
  if (stream.kind === "pocketbase") socket.on("data", () => void reader.messages++);
  else socket.on("data", createFrameCounter(reader, stream.joinedBytes));
  socket.once("close", () => ended++);
  return reader;
}

/** `joinedBytes`: the bytes of a message, if the server joins messages by line breaks and sends them as one frame (Centrifugo). */
function createFrameCounter(reader: Reader, joinedBytes: number | undefined): (chunk: Buffer) => void {
  /** Bytes of a payload that are still to come. */
  let skip = 0;
  /** The beginning of a header. */
  let partial: Buffer | undefined;
  return (received) => {
    let chunk = received;
    if (partial !== undefined) {
      chunk = Buffer.concat([partial, received]);
      partial = undefined;
    }
    let at = skip;
    while (at < chunk.length) {
      const short = (chunk[at + 1] ?? 0) & 127;
      const headerBytes = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (at + headerBytes > chunk.length) {
        partial = chunk.subarray(at);
        skip = 0;
        return;
      }
      const length = short === 126 ? chunk.readUInt16BE(at + 2) : short === 127 ? Number(chunk.readBigUInt64BE(at + 2)) : short;
      onFrame(reader, joinedBytes, (chunk[at] ?? 0) & 15, length);
      at += headerBytes + length;
    }
    skip = at - chunk.length;
  };
}

function onFrame(reader: Reader, joinedBytes: number | undefined, opcode: number, length: number): void {
  if (opcode === PING) reader.socket.write(PONG);
  else if (opcode === CLOSE) reader.socket.destroy();
  else if (opcode === TEXT || opcode === BINARY) {
    if (joinedBytes === undefined) reader.messages++;
    else if (length === JSON_PING_BYTES) reader.socket.write(JSON_PONG);
    // A message differs from `joinedBytes` by a few digits of its number. A frame has 16 messages at most, so the count is exact.
    else reader.messages += Math.round((length + 1) / (joinedBytes + 1));
  }
}
