/** Clients that use the server while the pictures are made: open streams, a webhook's receiver, a few writes each second, and a failure now and then. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocket } from "ws";
import type { RunningServer } from "@/e2e/support/server";
import { type SampleData, send, toReading } from "./sample-data";

const ORIGINS = ["https://greenhouse.example.com", "https://shop.example.com", undefined];
const WRITE_MS = 400;
const HISTORY_MS = 3_000;

export async function startTraffic(server: RunningServer, data: SampleData): Promise<{ stop: () => Promise<unknown> }> {
  const receiver = createServer((request, response) => request.resume().once("end", () => response.writeHead(204).end()));
  await once(receiver.listen(0, "127.0.0.1"), "listening");
  await data.createWebhook(`http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hooks`);
  const base = `${server.wsUrl}/api/1/ce`;
  const sockets = ORIGINS.flatMap((origin, index) => [
    openStream(`${base}/greenhouse/readings?key=${index === 2 ? data.readOnlyKey : data.key}&since=now`, origin),
    openStream(`${base}/greenhouse/alerts?key=${data.key}&since=now&jsonata=${encodeURIComponent("data.level='warning'")}`, origin),
  ]);
  await Promise.all(sockets.map((socket) => new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject))));
  let n = 160;
  const timer = setInterval(() => void write(data, n++).catch(() => undefined), WRITE_MS);
  const historyTimer = setInterval(() => void data.writeHistory().catch(() => undefined), HISTORY_MS);
  for (let first = 0; first < 12; first++) await write(data, n++);
  return {
    stop: () => {
      clearInterval(timer);
      clearInterval(historyTimer);
      for (const socket of sockets) socket.close();
      receiver.closeAllConnections();
      return once(receiver.close(), "close");
    },
  };
}

function openStream(url: string, origin: string | undefined): WebSocket {
  return new WebSocket(url, origin === undefined ? {} : { origin });
}

let latest = "";

/** Mostly new readings; sometimes a correction, a deletion or a reading that the schema refuses. */
async function write(data: SampleData, n: number): Promise<void> {
  const at = (query: string) => ({ query: `&uniqueId=${latest}${query}` });
  if (n % 7 === 3 && latest) {
    const { temperature, humidity } = toReading(n + 1);
    await send(data, "greenhouse/readings", { method: "PUT", ...at("&strategy=merge"), body: { temperature, humidity } });
  } else if (n % 13 === 5 && latest) {
    await send(data, "greenhouse/readings", { method: "DELETE", ...at("") });
    latest = "";
  } else if (n % 17 === 2) await send(data, "greenhouse/readings", { body: { room: "attic", temperature: "warm" } });
  else latest = (await send(data, "greenhouse/readings", { body: toReading(n) })).uniqueId;
}
