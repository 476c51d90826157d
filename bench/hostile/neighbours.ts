/** Four neighbours with ordinary use of their own project: plain GETs, POSTs, logins, filtered streams and a dashboard page. */
import http from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { json, send } from "./send";
import { APP_USER, type World } from "./world";

const NEIGHBOURS = 4;
/** A request that takes longer has failed. */
const STREAM_TIMEOUT_MS = 30_000;

export const KINDS = ["get", "post", "login", "stream", "page"] as const;
export type Kind = (typeof KINDS)[number];

/** The milliseconds of each request, and the failures. */
export type Measured = Record<Kind, { times: number[]; failures: string[] }>;

/** The pause between two requests of one kind of a neighbour, so that neighbours do not load the server themselves. */
const PAUSE_MS: Readonly<Record<Kind, number>> = { get: 15, post: 30, login: 500, stream: 60, page: 500 };

/** Uses the server for a number of seconds. Each neighbour sends all kinds of requests at the same time, so that a slow kind does not delay the others. */
export async function measureNeighbours(world: World, seconds: number): Promise<Measured> {
  const none = () => ({ times: [], failures: [] });
  const measured: Measured = { get: none(), post: none(), login: none(), stream: none(), page: none() };
  const measure = async (kind: Kind, work: () => Promise<string | undefined>) => {
    const start = performance.now();
    const failure = await work();
    measured[kind].times.push(performance.now() - start);
    if (failure !== undefined) measured[kind].failures.push(failure);
  };
  await Promise.all(
    Array.from({ length: NEIGHBOURS }, async (_, n) => {
      const neighbour = createNeighbour(world, n);
      await measure("stream", neighbour.connect);
      const until = performance.now() + seconds * 1000;
      const repeat = async (kind: Kind) => {
        // Spreads the first requests.
        await delay((PAUSE_MS[kind] * n) / NEIGHBOURS);
        while (performance.now() < until) {
          await measure(kind, () => neighbour.do(kind));
          await delay(PAUSE_MS[kind]);
        }
      };
      await Promise.all(KINDS.map(repeat));
      neighbour.close();
    }),
  );
  return measured;
}

interface Neighbour {
  /** Opens the stream. Settles with a failure, or undefined. */
  connect(): Promise<string | undefined>;
  /** Settles with a failure, or undefined. */
  do(kind: Kind): Promise<string | undefined>;
  close(): void;
}

function createNeighbour({ origin, neighbour }: World, n: number): Neighbour {
  const agent = new http.Agent({ keepAlive: true, maxSockets: KINDS.length });
  const client = { agent, address: `10.1.0.${n + 10}` };
  const stream = openStream(
    `${neighbour.data.url.replace(/^http/, "ws")}&jsonata=${encodeURIComponent(`data.from = ${n}`)}`,
    client.address,
  );
  let marker = 0;

  async function request(kind: Exclude<Kind, "stream">): Promise<string | undefined> {
    const { status, text } = await sendOne(kind);
    const expected = kind === "post" ? 201 : 200;
    return status === expected ? undefined : `${status} ${text.slice(0, 200)}`;
  }

  function sendOne(kind: Exclude<Kind, "stream">) {
    switch (kind) {
      case "get":
        return send(`${neighbour.data.url}&limit=20`, client);
      case "post":
        return send(neighbour.data.url, { ...client, method: "POST", ...json({ n, note: "x".repeat(100) }) });
      case "login":
        return send(`${neighbour.users.url}&login=true&noATCookie=true`, { ...client, method: "POST", ...json(APP_USER) });
      case "page":
        return send(`${origin}/p/${neighbour.projectId}/endpoints`, { ...client, headers: { Cookie: neighbour.cookie } });
    }
  }

  /** The time from a POST until the stream has sent the change. */
  async function follow(): Promise<string | undefined> {
    marker += 1;
    const received = stream.waitFor(`"marker":${marker}}`);
    const { status, text } = await send(neighbour.data.url, { ...client, method: "POST", ...json({ from: n, marker }) });
    return status === 201 ? received : `${status} ${text.slice(0, 200)}`;
  }

  return {
    connect: () => stream.opened,
    do: (kind: Kind) => (kind === "stream" ? follow() : request(kind)),
    close: () => {
      agent.destroy();
      stream.close();
    },
  };
}

function openStream(url: string, address: string) {
  const socket = new WebSocket(url, { headers: { "X-Forwarded-For": address } });
  const waiting = new Map<string, (failure?: string) => void>();
  let closed: string | undefined;
  socket.on("message", (message) => {
    const text = String(message);
    for (const [marker, resolve] of waiting) if (text.includes(marker)) resolve();
  });
  socket.on("close", (code, reason) => {
    closed = `the stream was closed: ${code} ${String(reason)}`;
    for (const resolve of waiting.values()) resolve(closed);
  });
  socket.on("error", (error) => {
    closed = error.message;
  });
  const opened = new Promise<string | undefined>((resolve) => {
    socket.on("open", () => resolve(undefined)).on("close", () => resolve(closed));
    setTimeout(() => resolve("the stream was not opened in time"), STREAM_TIMEOUT_MS).unref();
  });
  return {
    opened,
    /** Settles with a failure, or undefined once a message has the text. */
    waitFor: (marker: string) =>
      new Promise<string | undefined>((resolve) => {
        const timer = setTimeout(() => settle("the stream did not have it in time"), STREAM_TIMEOUT_MS);
        const settle = (failure?: string) => {
          clearTimeout(timer);
          waiting.delete(marker);
          resolve(failure);
        };
        if (closed !== undefined) settle(closed);
        else waiting.set(marker, settle);
      }),
    close: () => socket.close(),
  };
}
