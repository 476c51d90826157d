import { describe, expect, it } from "vitest";
import { ERRORS } from "@/src/shared/errors";
import { classifyClose, DELAY_MAX_MS, SILENCE_MAX_MS, toDelayMs } from "./reconnect-policy";
import { type ConnectionState, type Opening, StreamConnection, type StreamSocket } from "./stream-connection";

/** A connection with fake sockets and a fake clock. */
function createWorld() {
  const timers: { at: number; run: () => void }[] = [];
  const sockets: (StreamSocket & { url: string; closed: boolean })[] = [];
  const states: ConnectionState[] = [];
  const openings: (Opening | (() => Promise<Opening>))[] = [];
  let nowMs = 0;
  let tickets = 0;
  const connection = new StreamConnection({
    prepare: async () => {
      const opening = openings.shift() ?? { ok: true, url: `ws://host/?ticket=${++tickets}` };
      return typeof opening === "function" ? opening() : opening;
    },
    openSocket: (url) => {
      if (url === "") throw new SyntaxError("not an address");
      const socket = {
        url,
        closed: false,
        onmessage: null,
        onclose: null,
        close: () => {
          socket.closed = true;
        },
      };
      sockets.push(socket);
      return socket;
    },
    setTimer: (run, ms) => {
      const timer = { at: nowMs + ms, run };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), timers.includes(timer) ? 1 : 0);
    },
    nowMs: () => nowMs,
    random: () => 1,
    onState: (state) => states.push(state),
    onMessage: (text) => text === "READY",
  });
  const settle = async () => {
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  };
  return {
    connection,
    sockets,
    states,
    openings,
    settle,
    timers,
    start: async () => {
      connection.start();
      await settle();
    },
    /** Moves time to the next timer and runs it. */
    tick: async () => {
      const next = timers.toSorted((one, other) => one.at - other.at)[0];
      if (!next) throw new Error("No timer is set.");
      timers.splice(timers.indexOf(next), 1);
      nowMs = next.at;
      next.run();
      await settle();
    },
    pass: (ms: number) => {
      nowMs += ms;
    },
    last: () => {
      const socket = sockets.at(-1);
      if (!socket) throw new Error("No socket was opened.");
      return socket;
    },
    now: () => nowMs,
  };
}

describe("StreamConnection", () => {
  it.each<[string, Opening | (() => Promise<Opening>)]>([
    ["fails with an unexpected error", () => Promise.reject(new SyntaxError("Unexpected token <"))],
    ["never responds", () => new Promise(() => undefined)],
    ["has an invalid URL", { ok: true, url: "" }],
  ])("[W9] an opening that %s is a failed attempt, which is reported and retried", async (_what, opening) => {
    const world = createWorld();
    world.openings.push(opening);
    await world.start();
    if (world.connection.state.state === "connecting") await world.tick();
    expect(world.connection.state).toMatchObject({ state: "waiting", attempt: 2, reason: expect.stringMatching(/Couldn’t|isn’t/) });
    await world.tick();
    world.last().onmessage?.({ data: "READY" });
    expect(world.connection.state).toEqual({ state: "live" });
  });

  it("[W9] the late result of an abandoned opening is ignored", async () => {
    const world = createWorld();
    let respond: (opening: Opening) => void = () => undefined;
    world.openings.push(
      () =>
        new Promise((resolve) => {
          respond = resolve;
        }),
    );
    await world.start();
    await world.tick();
    respond({ ok: true, url: "ws://late" });
    await world.settle();
    expect([world.connection.state.state, world.sockets.length]).toEqual(["waiting", 0]);
  });

  it("[W9] is live once the stream is ready, and reconnects with a new ticket after a loss", async () => {
    const world = createWorld();
    await world.start();
    expect(world.connection.state).toEqual({ state: "connecting", attempt: 1 });
    world.last().onmessage?.({ data: "READY" });
    expect(world.connection.state).toEqual({ state: "live" });
    world.last().onclose?.({ code: 1006, reason: "" });
    expect(world.connection.state).toMatchObject({ state: "waiting", retryAtMs: 500, reason: "The connection was lost." });
    await world.tick();
    expect(world.sockets.map((socket) => socket.url)).toEqual(["ws://host/?ticket=1", "ws://host/?ticket=2"]);
    world.last().onmessage?.({ data: "READY" });
    expect(world.connection.state).toEqual({ state: "live" });
  });

  it("waits longer after every failure, and starts over after a success", async () => {
    const world = createWorld();
    await world.start();
    const waits: number[] = [];
    for (let failure = 0; failure < 8; failure += 1) {
      world.last().onclose?.({ code: 1006, reason: "" });
      const { state } = world.connection;
      if (state.state === "waiting") waits.push(state.retryAtMs - world.now());
      await world.tick();
    }
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
    world.last().onmessage?.({ data: "READY" });
    world.last().onclose?.({ code: 1012, reason: "The server is restarting." });
    expect(world.connection.state).toMatchObject({ state: "waiting", retryAtMs: world.now() + 500, reason: "The server is restarting." });
  });

  it("[W6] ends with the server's reason, until it is restarted", async () => {
    const world = createWorld();
    await world.start();
    world.last().onmessage?.({ data: "READY" });
    world.last().onclose?.({ code: 1000, reason: "The endpoint was deleted." });
    expect(world.connection.state).toEqual({ state: "ended", reason: "The endpoint was deleted.", signIn: false });
    expect(world.timers).toHaveLength(0);
    await world.start();
    expect(world.sockets).toHaveLength(2);
  });

  it("[W6] ends and requires a sign-in when the session has ended", async () => {
    const world = createWorld();
    await world.start();
    world.last().onmessage?.({ data: "READY" });
    world.last().onclose?.({ code: 1000, reason: ERRORS.session_ended.message });
    expect(world.connection.state).toEqual({ state: "ended", reason: "Your session has ended. Sign in again.", signIn: true });
    expect(world.timers).toHaveLength(0);
  });

  it("[W3] ends after three rejections in a row", async () => {
    const world = createWorld();
    await world.start();
    for (let rejection = 1; rejection <= 3; rejection += 1) {
      world.last().onclose?.({ code: 4000, reason: "The ticket is not valid." });
      if (rejection < 3) await world.tick();
    }
    expect(world.connection.state).toEqual({ state: "ended", reason: "The ticket is not valid.", signIn: false });
  });

  it("reports why it can't open: permanently or temporarily", async () => {
    const world = createWorld();
    world.openings.push({ ok: false, retry: true, reason: "Couldn’t reach the server." });
    world.openings.push({ ok: false, retry: false, reason: "Your session has ended.", signIn: true });
    await world.start();
    expect(world.connection.state).toMatchObject({ state: "waiting", reason: "Couldn’t reach the server." });
    await world.tick();
    expect(world.connection.state).toEqual({ state: "ended", reason: "Your session has ended.", signIn: true });
    expect(world.sockets).toHaveLength(0);
  });

  it("treats a long silence as a loss; every message restarts the wait", async () => {
    const world = createWorld();
    await world.start();
    world.last().onmessage?.({ data: "READY" });
    world.pass(10_000);
    world.last().onmessage?.({ data: "a change" });
    expect(world.timers).toHaveLength(1);
    const socket = world.last();
    await world.tick();
    expect(world.now()).toBe(SILENCE_MAX_MS);
    expect(world.connection.state).toEqual({ state: "live" });
    await world.tick();
    expect(world.now()).toBe(SILENCE_MAX_MS + 10_000);
    expect(socket.closed).toBe(true);
    expect(world.connection.state).toMatchObject({ state: "waiting", reason: "The server stopped responding." });
  });

  it("ignores events of sockets that it has released", async () => {
    const world = createWorld();
    await world.start();
    const first = world.last();
    const late = first.onclose;
    await world.start();
    late?.({ code: 1000, reason: "late" });
    expect(world.connection.state).toEqual({ state: "connecting", attempt: 1 });
    world.connection.stop();
    expect(world.last().closed).toBe(true);
    expect(world.timers).toHaveLength(0);
  });

  it("retries immediately when requested", async () => {
    const world = createWorld();
    await world.start();
    world.last().onclose?.({ code: 1006, reason: "" });
    world.connection.retryNow();
    await world.settle();
    expect(world.sockets).toHaveLength(2);
    expect(world.now()).toBe(0);
  });
});

describe("reconnect policy", () => {
  it("spreads clients over half of each delay, and never exceeds the limit", () => {
    expect([toDelayMs(1, 0), toDelayMs(1, 1)]).toEqual([250, 500]);
    expect([toDelayMs(60, 0), toDelayMs(60, 1)]).toEqual([DELAY_MAX_MS / 2, DELAY_MAX_MS]);
  });

  it("retries after a slow reader, a restart, a failure or a lost connection", () => {
    for (const code of [1001, 1006, 1009, 1011, 1012, 1013])
      expect(classifyClose({ code, reason: "", rejections: 0 }).verdict).toBe("retry");
  });
});
