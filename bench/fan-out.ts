/**
 * Fan-out: deliveries a second to many sockets, one frame a write against several frames a write (frames that are due in the same tick go out together).
 * Run: npx tsx bench/fan-out.ts [sockets=1000] [bytes=200]. The clients are a second process that counts bytes.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import { setImmediate as nextTick } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Log } from "@/src/core/ports";
import { encodeChange } from "@/src/realtime/encode";
import { createUpgradeHandler } from "@/src/realtime/ws";
import { createMemoryHub, toGrant } from "@/tests/support/memory-hub";

/** Frames of one round; the next starts when every client has read them all, so that no queue overflows. */
const FRAMES_PER_ROUND = 64;
const MEASURE_MS = 4_000;

if (process.send) runClients();
else await runServer({ sockets: Number(process.argv[2] ?? 1_000), bytes: Number(process.argv[3] ?? 200) });

async function runServer({ sockets, bytes }: { sockets: number; bytes: number }): Promise<void> {
  const { hub, log: changeLog, publish } = createMemoryHub();
  const grant = toGrant(changeLog);
  const log: Log = { debug: () => undefined, info: () => undefined, warn: console.warn, error: console.error };
  const config = { pingIntervalMs: 3_600_000, pongTimeoutMs: 3_600_000 };
  const handler = createUpgradeHandler({ hub, access: { decide: async () => grant }, config, log });
  const server = http.createServer().on("upgrade", handler.upgrade).listen(0, "127.0.0.1");
  await once(server, "listening");

  const envelopeBytes = encodeChange({ ...sample(changeLog.commit(1, { bytes: 2 })) }).plain().byteLength - 2;
  const dataBytes = Math.max(bytes - envelopeBytes, 2);
  const frameBytes = envelopeBytes + dataBytes;
  const clients = fork(fileURLToPath(import.meta.url), [String((server.address() as AddressInfo).port), String(sockets)]);
  await heard(clients, "connected");
  while (hub.subscriberCount(changeLog.endpointId) < sockets) await nextTick();

  const measure = async (framesPerTick: number): Promise<number> => {
    let deliveries = 0;
    const startedAt = performance.now();
    const cpuBefore = process.cpuUsage();
    while (performance.now() - startedAt < MEASURE_MS) {
      const done = heard(clients, "received");
      clients.send({ expectBytes: FRAMES_PER_ROUND * frameBytes });
      for (let sent = 0; sent < FRAMES_PER_ROUND; sent += framesPerTick) {
        publish(changeLog.commit(framesPerTick, { bytes: dataBytes }));
        await nextTick();
      }
      await done;
      deliveries += FRAMES_PER_ROUND * sockets;
    }
    const seconds = (performance.now() - startedAt) / 1_000;
    const cpu = process.cpuUsage(cpuBefore);
    const rate = deliveries / seconds;
    const cpuMicros = (cpu.user + cpu.system) / deliveries;
    console.log(
      `${framesPerTick} frame(s) a write: ${Math.round(rate).toLocaleString("en")} deliveries/s, ${cpuMicros.toFixed(2)} µs of CPU each`,
    );
    return rate;
  };

  console.log(`${sockets} sockets, ${frameBytes} bytes a frame`);
  await measure(8); // warm-up
  const single = await measure(1);
  for (const framesPerTick of [8, 64]) console.log(`  ratio to one frame a write: ${((await measure(framesPerTick)) / single).toFixed(1)}`);
  clients.disconnect();
  await handler.closeAll({ graceMs: 0 });
  server.close();
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
