/**
 * The load generator, a process of its own (run-load.ts starts it). Closed loop: each connection sends its next request when the response to
 * the last one has arrived. Open loop: requests are due at a fixed rate, whether or not responses arrive, and the latency of each counts from
 * the time at which it was due. So if a server stops for a while, the latency of every request that was due in that time contains the stop.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type HttpConnection, openConnection } from "./http-connection";
import { openStream, type StreamSpec } from "./open-stream";
import { createSamples, type Samples } from "./percentiles";
import { type LoadResult, type LoadTask, STAMP, STAMP_DIGITS } from "./run-load";

const HOST = "127.0.0.1";
/** A tick of the open loop that is later than this counts from when it should have been. An earlier one is the inaccuracy of timers. */
const LATE_TICK_MS = 5;
/** How long waiting requests of an open loop, and the last responses of a closed loop, are awaited. */
const [OPEN_DRAIN_MS, CLOSED_DRAIN_MS] = [10_000, 60_000];

process.on("message", (task: LoadTask) => {
  void run(task).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) }),
  );
});
process.once("disconnect", () => process.exit());

interface Watched {
  /** Returns the request with a stamp. `at`: when it was due, from which its delivery is timed. */
  stamp(request: string, at: number): string;
  samples: Samples;
  close(): void;
}

async function run(task: LoadTask): Promise<LoadResult> {
  const { seconds, rate, statuses } = task;
  const watched = task.watch === undefined ? undefined : await watchStream(task.port, task.watch);
  const buffers = task.requests.map((request) => Buffer.from(request));
  const next = createRotation(task, buffers, watched);
  const samples = createSamples();
  const clients: Client[] = [];
  /** Connections without a request in progress, and the times at which waiting requests were due. */
  const idle: Client[] = [];
  const due: number[] = [];
  let [failure, isOver, inProgress, answered, unanswered] = [undefined as Error | undefined, false, 0, 0, 0];

  interface Client {
    connection: HttpConnection;
    startedAt: number;
    isBusy: boolean;
  }
  const fail = (error: Error) => {
    failure ??= error;
  };
  const send = (client: Client, at: number) => {
    client.startedAt = at;
    client.isBusy = true;
    inProgress++;
    client.connection.send(next(at));
  };
  const open = async (): Promise<Client> => {
    const client: Client = {
      startedAt: 0,
      isBusy: false,
      connection: await openConnection({
        port: task.port,
        host: HOST,
        onResponse: (received) => {
          const now = performance.now();
          client.isBusy = false;
          inProgress--;
          answered++;
          samples.add(now - client.startedAt);
          if (!statuses.includes(received))
            failure ??= new Error(`The server responded with ${received} instead of ${statuses.join(" or ")}.`);
          if (isOver || failure) return;
          if (rate === undefined) return send(client, now);
          const waiting = due.shift();
          if (waiting === undefined) idle.push(client);
          else send(client, waiting);
        },
        onEnd: (error) => {
          if (client.isBusy) {
            if (!task.reconnects) return fail(error);
            inProgress--;
            unanswered++;
            if (isOver) return;
            open().then((other) => {
              clients.push(other);
              if (!isOver) send(other, performance.now());
            }, fail);
            return;
          }
          // Servers close connections that have been idle for a few seconds.
          const index = idle.indexOf(client);
          if (index < 0 || isOver) return;
          idle.splice(index, 1);
          open().then((other) => {
            clients.push(other);
            idle.push(other);
          }, fail);
        },
      }),
    };
    return client;
  };

  clients.push(...(await Promise.all(Array.from({ length: task.connections }, open))));
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1_000;
  if (rate === undefined) {
    for (const client of clients) send(client, performance.now());
    while (performance.now() < endsAt && !failure) await delay(Math.min(100, Math.max(1, endsAt - performance.now())));
  } else {
    idle.push(...clients);
    let released = 0;
    for (let now = startedAt; now < endsAt && !failure; await delay(1), now = performance.now()) {
      const wanted = Math.floor(((now - startedAt) / 1_000) * rate);
      for (; released < wanted; released++) {
        const exact = startedAt + (released / rate) * 1_000;
        const at = now - exact > LATE_TICK_MS ? exact : now;
        const client = idle.shift();
        if (client) send(client, at);
        else due.push(at);
      }
    }
    // Requests that wait are sent, because their latency counts.
    const givenUpAt = performance.now() + OPEN_DRAIN_MS;
    while (due.length + inProgress > 0 && performance.now() < givenUpAt && !failure) await delay(5);
  }
  isOver = true;
  const drained = performance.now() + CLOSED_DRAIN_MS;
  while (task.drain && inProgress > 0 && performance.now() < drained && !failure) await delay(1);
  const took = (performance.now() - startedAt) / 1_000;
  const count = answered;
  const { user, system } = process.cpuUsage(cpuBefore);
  if (watched) await delay(200);
  for (const { connection } of clients) connection.close();
  watched?.close();
  if (failure) throw failure;
  return {
    perSecond: count / took,
    latency: samples.toPercentiles(),
    ...(watched ? { delivery: watched.samples.toPercentiles() } : {}),
    ...(task.reconnects ? { unanswered } : {}),
    cpuSeconds: (user + system) / 1e6,
  };
}

/** The requests one after the other, from a random start, so that connections do not all ask for the same at the same time. */
function createRotation(task: LoadTask, buffers: readonly Buffer[], watched: Watched | undefined): (at: number) => Buffer | string {
  let index = Math.floor(Math.random() * buffers.length);
  if (watched) return (at) => watched.stamp(task.requests[index++ % task.requests.length] ?? "", at);
  const [only] = buffers;
  if (only && buffers.length === 1) return () => only;
  return () => buffers[index++ % buffers.length] ?? "";
}

/** Opens a stream, and measures the time from when each stamped request was due until the stream delivers its stamp. */
async function watchStream(port: number, spec: StreamSpec): Promise<Watched> {
  const dueAt = new Map<string, number>();
  const samples = createSamples();
  const socket = await openStream(port, spec);
  const pattern = new RegExp(`@(\\d{${STAMP_DIGITS}})@`, "g");
  let sent = 0;
  let tail = "";
  socket.on("data", (chunk) => {
    const now = performance.now();
    const text = tail + chunk.toString("latin1");
    for (const [, stamp = ""] of text.matchAll(pattern)) {
      const at = dueAt.get(stamp);
      if (at === undefined) continue;
      dueAt.delete(stamp);
      samples.add(now - at);
    }
    tail = text.slice(-STAMP.length);
  });
  return {
    samples,
    close: () => socket.destroy(),
    stamp: (request, at) => {
      const stamp = String(sent++).padStart(STAMP_DIGITS, "0");
      dueAt.set(stamp, at);
      return request.replace(STAMP, `@${stamp}@`);
    },
  };
}
