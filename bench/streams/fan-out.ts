/**
 * Measures fan-out: deliveries per second to many sockets, with one frame per write and with several (frames of the same tick are
 * sent together), and private changes that only one of many users can read, compared with one of ten.
 * Run: npm run bench -- fan-out [sockets=1000] [bytes=200]. The clients are a second process, which counts bytes.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import { setImmediate as nextTick } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Grant } from "@/src/core/access/access";
import type { Log } from "@/src/core/log";
import { createUpgradeHandler } from "@/src/realtime/transports/ws";
import { encodeChange } from "@/src/realtime/wire/encode";
import { createMemoryHub, type MemoryHub, toGrant, toPrivateGrant } from "@/tests/support/memory/memory-hub";

/** The frames that each client receives in one round. The next round starts when all clients have read them, so that no queue overflows. */
const FRAMES_PER_ROUND = 64;
const PRIVATE_FRAMES_PER_ROUND = 1;
const MEASURE_MS = 4_000;

if (process.send) runClients();
else {
  const [sockets, bytes] = [Number(process.argv[2] ?? 1_000), Number(process.argv[3] ?? 200)];
  await measureShared({ sockets, bytes });
  const few = await measurePrivate({ sockets: 10, bytes });
  const many = await measurePrivate({ sockets, bytes });
  console.log(`  ratio of ${sockets} users to 10: ${(many / few).toFixed(1)}`);
}

async function measureShared({ sockets, bytes }: { sockets: number; bytes: number }): Promise<void> {
  const bench = await startServer({ sockets, bytes, toOwnGrant: ({ log }) => toGrant(log) });
  const { log, publish } = bench.memoryHub;
  const measure = async (framesPerTick: number): Promise<number> => {
    const { rate, cpuMicros } = await bench.measure(FRAMES_PER_ROUND, async () => {
      for (let sent = 0; sent < FRAMES_PER_ROUND; sent += framesPerTick) {
        publish(log.commit(framesPerTick, { bytes: bench.dataBytes }));
        await nextTick();
      }
    });
    console.log(
      `${framesPerTick} frame(s) per write: ${Math.round(rate).toLocaleString("en")} deliveries/s, ${cpuMicros.toFixed(2)} µs of CPU each`,
    );
    return rate;
  };
  console.log(`${sockets} sockets, ${bench.frameBytes} bytes per frame`);
  await measure(8); // warm-up
  const single = await measure(1);
  for (const framesPerTick of [8, 64])
    console.log(`  ratio to one frame per write: ${((await measure(framesPerTick)) / single).toFixed(1)}`);
  await bench.stop();
}

/** Returns the µs of CPU time that one change costs. */
async function measurePrivate({ sockets, bytes }: { sockets: number; bytes: number }): Promise<number> {
  const owners = Array.from({ length: sockets }, (_, index) => index.toString(16).padStart(32, "0"));
  let connected = 0;
  const bench = await startServer({ sockets, bytes, toOwnGrant: ({ log }) => toPrivateGrant(log, owners[connected++] ?? "") });
  const { log, publish } = bench.memoryHub;
  const measure = () =>
    bench.measure(PRIVATE_FRAMES_PER_ROUND, async () => {
      for (const [index, owner] of owners.entries()) {
        publish(log.commit(1, { bytes: bench.dataBytes, owner }));
        if (index % 8 === 7) await nextTick();
      }
    });
  await measure(); // warm-up
  const { rate, cpuMicros } = await measure();
  const perSecond = Math.round(rate).toLocaleString("en");
  console.log(`private, ${sockets} users: ${perSecond} changes/s, each to one socket, ${cpuMicros.toFixed(2)} µs of CPU each`);
  await bench.stop();
  return cpuMicros;
}

interface Bench {
  memoryHub: MemoryHub;
  /** The sizes of a frame and of its record's data. */
  frameBytes: number;
  dataBytes: number;
  /** Repeats `sendRound`, which sends `framesPerRound` to each socket. Returns deliveries per second, and the CPU time of each. */
  measure(framesPerRound: number, sendRound: () => Promise<void>): Promise<{ rate: number; cpuMicros: number }>;
  stop(): Promise<void>;
}

async function startServer(options: { sockets: number; bytes: number; toOwnGrant: (hub: MemoryHub) => Grant }): Promise<Bench> {
  const { sockets, bytes, toOwnGrant } = options;
  const memoryHub = createMemoryHub();
  const { hub, log: changeLog } = memoryHub;
  const log: Log = { debug: () => undefined, info: () => undefined, warn: console.warn, error: console.error };
  const config = { pingIntervalMs: 3_600_000, pongTimeoutMs: 3_600_000 };
  const traffic = { note: () => undefined };
  const handler = createUpgradeHandler({
    hub,
    traffic,
    rateLimitPolicy: { countAndAuthorize: async () => toOwnGrant(memoryHub) },
    config,
    log,
  });
  const server = http.createServer().on("upgrade", handler.upgrade).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  const envelopeBytes = encodeChange({ ...sample(changeLog.commit(1, { bytes: 2 })) }).plain().byteLength - 2;
  const dataBytes = Math.max(bytes - envelopeBytes, 2);
  const frameBytes = envelopeBytes + dataBytes;
  const clients = fork(fileURLToPath(import.meta.url), [String(port), String(sockets)]);
  await heard(clients, "connected");
  while (hub.subscriberCount(changeLog.endpointId) < sockets) await nextTick();

  return {
    memoryHub,
    frameBytes,
    dataBytes,
    measure: async (framesPerRound, sendRound) => {
      let deliveries = 0;
      const startedAt = performance.now();
      const cpuBefore = process.cpuUsage();
      while (performance.now() - startedAt < MEASURE_MS) {
        const done = heard(clients, "received");
        clients.send({ expectBytes: framesPerRound * frameBytes });
        await sendRound();
        await done;
        deliveries += framesPerRound * sockets;
      }
      const seconds = (performance.now() - startedAt) / 1_000;
      const cpu = process.cpuUsage(cpuBefore);
      return { rate: deliveries / seconds, cpuMicros: (cpu.user + cpu.system) / deliveries };
    },
    stop: async () => {
      clients.disconnect();
      await handler.closeAll({ graceMs: 0 });
      server.close();
    },
  };
}

function sample<T>([first]: readonly T[]): T {
  if (first === undefined) throw new Error("no change");
  return first;
}

function heard(clients: ChildProcess, message: string): Promise<void> {
  return new Promise((resolve) => {
    const onMessage = (said: unknown) => {
      if (said !== message) return;
      clients.off("message", onMessage);
      resolve();
    };
    clients.on("message", onMessage);
  });
}

function runClients(): void {
  const [port, sockets] = process.argv.slice(2).map(Number) as [number, number];
  let expected = 0;
  let behind = 0;
  const received = new Array<number>(sockets).fill(0);
  let connected = 0;
  for (let index = 0; index < sockets; index++) {
    const socket = net.connect(port, "127.0.0.1", () =>
      socket.write(
        "GET /api/1/ce/bench/fan-out?key=bench HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      ),
    );
    socket.once("data", () => {
      socket.on("data", (chunk) => {
        const before = received[index] ?? 0;
        received[index] = before + chunk.length;
        if (before < expected && before + chunk.length >= expected && --behind === 0) process.send?.("received");
      });
      if (++connected === sockets) process.send?.("connected");
    });
  }
  process.on("message", ({ expectBytes }: { expectBytes: number }) => {
    expected += expectBytes;
    behind = received.filter((bytes) => bytes < expected).length;
    if (behind === 0) process.send?.("received");
  });
  process.on("disconnect", () => process.exit());
}
